//! The choice of the device. Invariant: asking for a GPU where there is none
//! never fails and never panics, it falls back with one line.

use candle_core::Device;
use serde::{Deserialize, Serialize};

/// The device that the user asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceKind {
    /// The processor.
    #[default]
    Cpu,
    /// The first CUDA GPU.
    Cuda,
}

impl std::str::FromStr for DeviceKind {
    type Err = crate::Error;

    fn from_str(name: &str) -> crate::Result<Self> {
        match name {
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda),
            _ => Err(crate::error::config_error(
                "device",
                "`cpu` or `cuda`",
                name,
            )),
        }
    }
}

/// The device of that kind; without a usable GPU the CPU and one line that says why.
pub fn device(kind: DeviceKind) -> (Device, Option<String>) {
    match kind {
        DeviceKind::Cpu => (Device::Cpu, None),
        DeviceKind::Cuda => match cuda() {
            Ok(device) => (device, None),
            Err(reason) => (
                Device::Cpu,
                Some(format!("no CUDA device ({reason}); using the CPU")),
            ),
        },
    }
}

#[cfg(not(feature = "cuda"))]
fn cuda() -> Result<Device, String> {
    Err("this build has no `cuda` feature".to_owned())
}

#[cfg(feature = "cuda")]
fn cuda() -> Result<Device, String> {
    // The CUDA bindings panic where the driver library is absent, instead of
    // returning an error; the hook is silenced so that only one line is shown.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let probed = std::panic::catch_unwind(|| Device::new_cuda(0));
    std::panic::set_hook(hook);
    match probed {
        Ok(Ok(device)) => Ok(device),
        Ok(Err(error)) => Err(one_line(&error.to_string())),
        Err(_) => Err("the CUDA driver library was not found".to_owned()),
    }
}

#[cfg(feature = "cuda")]
fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_needs_no_message() {
        let (device, message) = device(DeviceKind::Cpu);
        assert!(device.is_cpu());
        assert_eq!(message, None);
    }

    #[test]
    fn names_are_parsed() {
        assert_eq!("cuda".parse::<DeviceKind>().unwrap(), DeviceKind::Cuda);
        assert_eq!(
            "gpu".parse::<DeviceKind>().unwrap_err().to_string(),
            "device: expected `cpu` or `cuda`, found gpu"
        );
    }

    #[test]
    fn cuda_gives_a_gpu_or_one_line() {
        let (device, message) = device(DeviceKind::Cuda);
        match message {
            Some(line) => assert!(device.is_cpu() && !line.contains('\n'), "{line}"),
            None => assert!(device.is_cuda()),
        }
    }
}
