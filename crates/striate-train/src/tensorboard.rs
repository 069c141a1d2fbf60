//! A history as an event file of TensorBoard: scalars over epochs.
//!
//! Invariant: the bytes depend on the history and the start alone. The format is that of
//! TensorFlow's `Event` messages (event.proto, summary.proto) in records with masked
//! CRC-32C sums (record_writer.cc).

use crate::history::{EpochRecord, History};

/// The bytes of an event file; its name must contain `tfevents`.
///
/// `started` is when the training began, in seconds since 1970. An epoch's event comes
/// after the seconds that the epochs until then took. Tags: `loss/images`,
/// `loss/neural`, `validation/accuracy`, `validation/correlation`, `learning_rate`,
/// `log_variance/images`, `log_variance/neural`, `gradient_norm`, `seconds/epoch` and
/// `seconds/waited`; what an epoch has not is left out.
#[must_use]
pub fn event_file(history: &History, started: f64) -> Vec<u8> {
    let mut out = Vec::new();
    record(&mut out, &event(started, 0, &text(3, b"brain.Event:2")));
    let mut now = started;
    for epoch in &history.epochs {
        now += epoch.seconds;
        let summary: Vec<u8> = scalars(epoch)
            .into_iter()
            .flat_map(|(tag, value)| {
                let mut scalar = text(1, tag.as_bytes());
                scalar.push(2 << 3 | FIXED_32);
                scalar.extend((value as f32).to_le_bytes());
                text(1, &scalar)
            })
            .collect();
        record(
            &mut out,
            &event(now, epoch.epoch as u64, &text(5, &summary)),
        );
    }
    out
}

fn scalars(epoch: &EpochRecord) -> Vec<(String, f64)> {
    let known = [
        ("loss/images", epoch.image_loss),
        ("loss/neural", epoch.neural_loss),
        ("learning_rate", Some(epoch.lr)),
        ("log_variance/images", epoch.s_c),
        ("log_variance/neural", epoch.s_n),
        ("gradient_norm", epoch.gradient_norm),
        ("seconds/epoch", Some(epoch.seconds)),
        ("seconds/waited", Some(epoch.waited_seconds)),
    ];
    let known = known.into_iter();
    let known = known.filter_map(|(tag, value)| Some((tag.to_owned(), value?)));
    let scores = epoch.scores.iter();
    known
        .chain(scores.map(|(name, value)| (format!("validation/{name}"), *value)))
        .collect()
}

// Wire types of protocol buffers.
const VARINT: u8 = 0;
const FIXED_64: u8 = 1;
const LENGTH: u8 = 2;
const FIXED_32: u8 = 5;

/// An event: time, step, and the encoded field that says what happened.
fn event(time: f64, step: u64, what: &[u8]) -> Vec<u8> {
    let mut out = vec![1 << 3 | FIXED_64];
    out.extend(time.to_le_bytes());
    out.push(2 << 3 | VARINT);
    varint(&mut out, step);
    out.extend(what);
    out
}

/// A field of bytes.
fn text(field: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![field << 3 | LENGTH];
    varint(&mut out, bytes.len() as u64);
    out.extend(bytes);
    out
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Length, its sum, the bytes, their sum.
fn record(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = (bytes.len() as u64).to_le_bytes();
    out.extend(length);
    out.extend(masked_crc(&length).to_le_bytes());
    out.extend(bytes);
    out.extend(masked_crc(bytes).to_le_bytes());
}

fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The CRC of Castagnoli's polynomial, bit by bit: these files are small.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_castagnolis() {
        // RFC 3720, B.4, and the check value of the catalogue of CRCs.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn records_hold_the_scalars_of_each_epoch() {
        let epoch = EpochRecord {
            epoch: 300,
            steps: 1,
            lr: 0.5,
            image_loss: Some(1.25),
            neural_loss: None,
            scores: [("accuracy".to_owned(), 50.0)].into(),
            s_c: None,
            s_n: None,
            gradient_norm: None,
            kept: false,
            restored: false,
            seconds: 2.0,
            waited_seconds: 0.0,
        };
        let history = History {
            epochs: vec![epoch],
        };
        let bytes = event_file(&history, 1000.0);
        let mut rest = &bytes[..];
        let mut records = Vec::new();
        while !rest.is_empty() {
            let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            let sum = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap());
            assert_eq!(sum(8), masked_crc(&rest[..8]));
            let body = &rest[12..12 + length];
            assert_eq!(sum(12 + length), masked_crc(body));
            records.push(body.to_vec());
            rest = &rest[16 + length..];
        }
        assert_eq!(records.len(), 2);
        assert!(records[0].ends_with(b"\x1a\x0dbrain.Event:2"));
        // 1002 seconds, step 300 as a varint of two bytes.
        assert_eq!(records[1][1..9], 1002.0f64.to_le_bytes());
        assert_eq!(records[1][9..12], [0x10, 0xac, 0x02]);
        let loss = [&b"\x0a\x0bloss/images\x15"[..], &1.25f32.to_le_bytes()].concat();
        let accuracy = [&b"validation/accuracy\x15"[..], &50f32.to_le_bytes()].concat();
        for part in [loss, accuracy] {
            assert!(records[1].windows(part.len()).any(|w| w == part));
        }
    }
}
