//! The process itself, read when the metrics are asked for; where there is no /proc, these metrics are left out.

use std::{fmt, fs};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
};

use crate::clock;

/// Metrics with the names that every Prometheus client uses.
#[derive(Debug)]
pub(super) struct Process {
    started_seconds: f64,
}

impl Process {
    pub(super) fn new() -> Process {
        Process { started_seconds: clock::now() as f64 / 1_000.0 }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut gauge = |name: &str, about: &str, value: Option<f64>| {
            let Some(value) = value else { return Ok(()) };
            let metric = encoder.encode_descriptor(name, about, None, MetricType::Gauge)?;
            ConstGauge::new(value).encode(metric)
        };
        gauge(
            "process_start_time_seconds",
            "Start of the process, in seconds since the epoch.",
            Some(self.started_seconds),
        )?;
        gauge("process_resident_memory_bytes", "Resident memory.", resident_bytes())?;
        gauge("process_open_fds", "Open file descriptors.", open_files())
    }
}

fn resident_bytes() -> Option<f64> {
    // In kibibytes whatever the size of a page, unlike /proc/self/statm.
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1_024.0)
}

fn open_files() -> Option<f64> {
    // The listing holds one for itself.
    fs::read_dir("/proc/self/fd").ok().map(|listing| listing.count().saturating_sub(1) as f64)
}
