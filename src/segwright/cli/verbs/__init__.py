"""One file a verb. A verb's module imports nothing heavy at its top: the rooms are imported when it runs."""
