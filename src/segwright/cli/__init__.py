"""The command line: one file a verb under `verbs/`, each a thin face over the rooms' own functions."""
