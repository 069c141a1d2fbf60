//! The steady state allocates nothing: this program's allocator counts, for all threads.
//! It is its own test harness, as another one's threads would be counted.

#![expect(
    clippy::unwrap_used,
    reason = "a test of its own harness fails as tests do"
)]
#![expect(
    unsafe_code,
    reason = "a global allocator can only be implemented with unsafe code; it hands everything on to the system's"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use striate_corruptions::{
    BatchCorruptor, BatchRef, Corruption, Corruptor, ImageRef, Random, Severity, Table,
};
use striate_random::Seed;

#[path = "support/picture.rs"]
mod picture;
use picture::picture;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: each method hands its arguments to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise about `layout` is the system's demand.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `alloc` above, that is from the system.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the pointer came from `alloc` above, that is from the system.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    work();
    ALLOCATIONS.load(Ordering::Relaxed) - before
}

fn main() {
    assert!(
        allocations(|| drop(vec![1u8; 10])) > 0,
        "nothing is counted"
    );
    let (height, width) = (48, 64);
    let seed = Seed::new(2);
    for table in Table::ALL {
        for channels in [1, 3] {
            let pixels = picture(height, width, channels, 1);
            let image = ImageRef::new(&pixels, height, width, channels).unwrap();
            let mut out = vec![0; pixels.len()];
            let mut corruptor = Corruptor::new(table);
            let mut call = |corruption, severity, random: &mut Random| {
                corruptor
                    .corrupt(image, corruption, severity, random, &mut out)
                    .unwrap();
            };
            for numpy in [false, true] {
                for corruption in Corruption::ALL {
                    for severity in Severity::ALL {
                        let random = |i| match numpy {
                            true => Random::numpy(i),
                            false => Random::counter(&seed, u64::from(i), corruption, severity),
                        };
                        // The draws decide how much is needed (which texture,
                        // how far the motion reaches), so a few calls come first.
                        for i in 0..8 {
                            call(corruption, severity, &mut random(i));
                        }
                        let count = allocations(|| {
                            for i in 8..24 {
                                call(corruption, severity, &mut random(i));
                            }
                        });
                        assert_eq!(
                            count, 0,
                            "{table} {corruption} {severity}, {channels} channels, numpy {numpy}"
                        );
                    }
                }
            }
        }
    }
    assert_eq!(batches(&seed), 0, "batches");
    println!("the steady state allocates nothing");
}

/// Allocations of warm batches, in a pool of one thread: which images a thread of several meets first, and
/// so when it is warm, is up to the scheduler.
fn batches(seed: &Seed) -> usize {
    let (height, width, channels, count) = (32, 32, 3, 12);
    let pixels = picture(height * count, width, channels, 1);
    let batch = BatchRef {
        pixels_u8: &pixels,
        height,
        width,
        channels,
    };
    let mut out = vec![0; pixels.len()];
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    pool.install(|| {
        let corruptor = BatchCorruptor::new(Table::ImageCorruptions);
        let mut all = |round: u64| {
            for corruption in Corruption::ALL {
                for severity in Severity::ALL {
                    let random =
                        |i| Random::counter(seed, round * 12 + i as u64, corruption, severity);
                    corruptor
                        .corrupt(batch, corruption, severity, random, &mut out)
                        .unwrap();
                }
            }
        };
        all(0);
        all(1);
        allocations(|| all(2))
    })
}
