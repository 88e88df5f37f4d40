"""What a network costs on this machine: parameters, operations, memory, and frames a second at the user's size."""

from segwright.export.benchmark.jobs import OF_ONE_FAMILY, Job, job_of_artefact, jobs_of_networks
from segwright.export.benchmark.machine import Machine, measured_on
from segwright.export.benchmark.rows import Row, benchmark

__all__ = [
    "OF_ONE_FAMILY",
    "Job",
    "Machine",
    "Row",
    "benchmark",
    "job_of_artefact",
    "jobs_of_networks",
    "measured_on",
]
