//! The memory that connections inside TLS take.
