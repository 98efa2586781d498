"""Run the command line: `python -m swrhook`."""

from swrhook.cli import main

if __name__ == "__main__":
    main(prog_name="python -m swrhook")
