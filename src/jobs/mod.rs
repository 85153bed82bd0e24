//! Background work: a worker that claims jobs, and one file per job.
