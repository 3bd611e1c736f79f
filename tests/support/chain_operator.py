"""The operator with the chain in place of the pure half: `kopf run -m chain_operator`."""

import chain
import watched_operator  # noqa: F401  (registers the handlers)

from swarm_operator import reconcile

reconcile.reconcile = chain.reconcile
