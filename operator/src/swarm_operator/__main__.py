"""`python -m swarm_operator` runs the operator under kopf.

Only the variables KOPF_RUN_* and DATASWARM_* configure it.
"""

from kopf.cli import main

if __name__ == "__main__":
    main(["run", "--standalone", "--module", "swarm_operator.main"], prog_name="kopf")
