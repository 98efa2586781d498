"""`python -m swrhook`: the commands."""

from swrhook.cli import main

if __name__ == "__main__":
    main(prog_name="python -m swrhook")
