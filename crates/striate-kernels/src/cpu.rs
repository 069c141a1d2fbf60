//! Which instruction set the kernels use. Invariant: a value of [`Isa`] exists
//! only for an instruction set that this processor has, so that holding one is
//! the proof that the code compiled for it may run.

use std::cell::Cell;
use std::fmt;
use std::sync::OnceLock;

pub use crate::peak::fma_peak;

/// An instruction set that this processor has.
///
/// Sums differ in their last bits between instruction sets (fused multiply-add
/// or not), never between numbers of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Isa(pub(crate) Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

thread_local! {
    static FORCED: Cell<Option<Isa>> = const { Cell::new(None) };
}

impl Isa {
    /// The code that every target runs; the compiler vectorises it with what
    /// the target always has (SSE2 on `x86_64`, NEON on `aarch64`).
    pub const PORTABLE: Self = Self(Kind::Portable);

    /// The instruction sets of this processor that the kernels know, from the
    /// portable one up to the fastest.
    pub fn available() -> &'static [Self] {
        static AVAILABLE: OnceLock<Vec<Isa>> = OnceLock::new();
        AVAILABLE.get_or_init(|| {
            #[cfg_attr(
                not(target_arch = "x86_64"),
                expect(unused_mut, reason = "only x86_64 has more than one")
            )]
            let mut found = vec![Self::PORTABLE];
            #[cfg(target_arch = "x86_64")]
            {
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    found.push(Self(Kind::Avx2));
                    if is_x86_feature_detected!("avx512f") {
                        found.push(Self(Kind::Avx512));
                    }
                }
            }
            found
        })
    }

    /// The instruction set that kernels called from this thread use: the one of
    /// an enclosing [`with_isa`], else the fastest one, unless the environment
    /// variable `STRIATE_ISA` names another available one.
    pub fn current() -> Self {
        static DEFAULT: OnceLock<Isa> = OnceLock::new();
        FORCED.get().unwrap_or_else(|| {
            *DEFAULT.get_or_init(|| {
                let wanted = std::env::var("STRIATE_ISA").unwrap_or_default();
                let available = Self::available();
                let named = available.iter().find(|isa| isa.name() == wanted);
                *named.or(available.last()).unwrap_or(&Self::PORTABLE)
            })
        })
    }

    /// `portable`, `avx2+fma` or `avx512f`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2+fma",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "avx512f",
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Runs `work` with kernels that use `isa`, for tests and comparisons. The
/// choice holds for kernels called from this thread (and the threads that those
/// kernels use) while `work` runs.
pub fn with_isa<R>(isa: Isa, work: impl FnOnce() -> R) -> R {
    struct Restore(Option<Isa>);
    impl Drop for Restore {
        fn drop(&mut self) {
            FORCED.set(self.0);
        }
    }
    let _restore = Restore(FORCED.replace(Some(isa)));
    work()
}

/// What the kernels run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The instruction set in use.
    pub isa: Isa,
    /// The instruction sets that could be used.
    pub available: Vec<Isa>,
    /// The threads of the current rayon pool.
    pub threads: usize,
    /// The architecture that the program was compiled for.
    pub architecture: &'static str,
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.available.iter().map(|isa| isa.name()).collect();
        write!(
            f,
            "{} on {}, {} threads (available: {})",
            self.isa,
            self.architecture,
            self.threads,
            names.join(", ")
        )
    }
}

/// The instruction set and the number of threads that kernels called here use.
pub fn describe() -> Description {
    Description {
        isa: Isa::current(),
        available: Isa::available().to_vec(),
        threads: rayon::current_num_threads(),
        architecture: std::env::consts::ARCH,
    }
}

#[cfg(test)]
mod tests;
