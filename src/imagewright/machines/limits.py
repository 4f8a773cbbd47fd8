"""What a guest may use up: by rlimit always, by cgroup where one is ours to set."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Upper bounds for the processes of one machine; wall time is the command's own."""

    processes_max: int = 4096
    open_files_max: int = 65_536
    file_bytes_max: int = 64 << 30
    """The largest single file."""
    memory_bytes_max: int = 0
    """For all processes together; 0: no limit."""
    cpus_max: float = 0
    """Processors' worth of time; 0: no limit."""

    def as_rlimits(self) -> dict[str, int]:
        """Return those that the kernel holds per process, by their names in ``resource``."""
        return {
            "RLIMIT_NPROC": self.processes_max,
            "RLIMIT_NOFILE": self.open_files_max,
            "RLIMIT_FSIZE": self.file_bytes_max,
            "RLIMIT_CORE": 0,
        }
