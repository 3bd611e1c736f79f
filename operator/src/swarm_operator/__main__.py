"""`python -m swarm_operator`: the operator under kopf, configured by KOPF_RUN_* and DATASWARM_* alone."""

from kopf.cli import main

if __name__ == "__main__":
    main(["run", "--standalone", "--module", "swarm_operator.main"], prog_name="kopf")
