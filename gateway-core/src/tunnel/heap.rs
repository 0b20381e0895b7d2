//! What the allocator keeps of freed memory.
//!
//! A forward in full swing takes and frees a few hundred KiB for each batch of packets. glibc gives
//! freed memory at the heap's end back from 128 KiB on, so that it would be asked for again at once,
//! page by page: a third of the way down's computing. Its limits follow the largest block that was
//! freed (`mallopt(3)`, `M_MMAP_THRESHOLD`), so freeing one that was never touched raises them. Other
//! allocators take no notice.

use std::hint::black_box;
use std::sync::Once;

/// Twice as much may lie at the heap's end; it is touched only by who needs it.
const LARGEST_FREED: usize = 1024 * 1024;

static RAISED: Once = Once::new();

/// Lets the allocator keep what the next batch will need; for the whole program, and once.
pub(super) fn keep_freed_memory() {
    RAISED.call_once(|| drop(black_box(Vec::<u8>::with_capacity(LARGEST_FREED))));
}
