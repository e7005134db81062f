//! How many places the GNU C library's allocator keeps freed memory in.

#![allow(unsafe_code, reason = "the library takes the number by a C function only")]

use std::{ffi::c_int, thread};

/// As many as there are processors. Left to itself the library makes one for every
/// thread, up to eight for each processor, and each keeps its own peak for good: memory that a short-lived thread freed
/// lies idle while another thread asks the kernel for more.
pub fn keep_few() {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let arenas = c_int::try_from(processors).unwrap_or(c_int::MAX);
    // SAFETY: it changes a number of the allocator's under the allocator's own lock; no other thread runs yet.
    // A refusal leaves the number as it was, and nothing depends on it.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, arenas);
    }
}
