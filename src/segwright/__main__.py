"""`python -m segwright`: the command line."""

from segwright.cli.app import main

if __name__ == "__main__":
    main()
