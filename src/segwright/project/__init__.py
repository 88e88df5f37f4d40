"""The project file `segwright.yaml`: its schema, how it is read, and how a command line overrides it."""

from segwright.project.read import PROJECT_FILE, project_schema, read_project
from segwright.project.schema import Project

__all__ = ["PROJECT_FILE", "Project", "project_schema", "read_project"]
