//! Instruments that never lock: a histogram of atomics, and a family whose label sets are known beforehand.
//!
//! The library's own histogram and family take locks at each observation, which the request path can't afford.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::{MetricType, TypedMetric},
};

/// What a histogram counts in, and where its buckets end.
#[derive(Debug)]
pub(super) struct Scale {
    /// Upper ends, included, in the unit that is observed.
    ends: &'static [u64],
    /// How many observed units make one shown unit.
    per_shown: f64,
}

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

/// Durations from 10 µs to 10 s, observed in nanoseconds, shown in seconds.
pub(super) const DURATIONS: Scale = Scale {
    ends: &[
        10 * MICROSECOND,
        25 * MICROSECOND,
        50 * MICROSECOND,
        100 * MICROSECOND,
        250 * MICROSECOND,
        500 * MICROSECOND,
        MILLISECOND,
        2_500 * MICROSECOND,
        5 * MILLISECOND,
        10 * MILLISECOND,
        25 * MILLISECOND,
        50 * MILLISECOND,
        100 * MILLISECOND,
        250 * MILLISECOND,
        500 * MILLISECOND,
        SECOND,
        2_500 * MILLISECOND,
        10 * SECOND,
    ],
    per_shown: SECOND as f64,
};

/// Counts from 1 to 262 144.
pub(super) const COUNTS: Scale =
    Scale { ends: &[1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144], per_shown: 1.0 };

/// A histogram whose observations are two atomic additions.
#[derive(Clone)]
pub(super) struct Histogram(Arc<Buckets>);

struct Buckets {
    scale: &'static Scale,
    /// One more than ends: the last takes what is above all of them.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Histogram {
    pub(super) fn new(scale: &'static Scale) -> Histogram {
        let counts = (0..=scale.ends.len()).map(|_| AtomicU64::new(0)).collect();
        Histogram(Arc::new(Buckets { scale, counts, sum: AtomicU64::new(0) }))
    }

    pub(super) fn observe(&self, value: u64) {
        let bucket = self.0.scale.ends.partition_point(|end| *end < value);
        self.0.counts[bucket].fetch_add(1, Relaxed);
        self.0.sum.fetch_add(value, Relaxed);
    }

    /// For histograms of [`DURATIONS`].
    pub(super) fn observe_duration(&self, duration: Duration) {
        self.observe(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Histogram").field(&self.0.counts).finish()
    }
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let Buckets { scale, counts, sum } = &*self.0;
        // The format's sign for "above all".
        let ends =
            scale.ends.iter().map(|end| *end as f64 / scale.per_shown).chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> =
            ends.zip(counts.iter().map(|count| count.load(Relaxed))).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = sum.load(Relaxed) as f64 / scale.per_shown;
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

impl TypedMetric for Histogram {
    const TYPE: MetricType = MetricType::Histogram;
}

type Labels = Vec<(&'static str, &'static str)>;

/// One metric for each of some label sets, found by number.
#[derive(Debug, Clone)]
pub(super) struct ByLabels<M>(Arc<[(Labels, M)]>);

impl<M> ByLabels<M> {
    pub(super) fn new(
        labels: impl IntoIterator<Item = Labels>,
        new: impl Fn() -> M,
    ) -> ByLabels<M> {
        ByLabels(labels.into_iter().map(|labels| (labels, new())).collect())
    }

    /// The metric of the label set with this number, in the order in which they were declared.
    pub(super) fn at(&self, index: usize) -> &M {
        &self.0[index].1
    }
}

impl<M: EncodeMetric + TypedMetric> EncodeMetric for ByLabels<M> {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (labels, metric) in self.0.iter() {
            metric.encode(encoder.encode_family(labels)?)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        M::TYPE
    }
}
