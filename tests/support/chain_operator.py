"""The operator with `chain_reconciler` as its pure half: `kopf run -m chain_operator`."""

import chain_reconciler
import watched_operator  # noqa: F401  (registers the handlers)

from swarm_operator.reconciler import reconcile

reconcile.reconcile = chain_reconciler.reconcile
