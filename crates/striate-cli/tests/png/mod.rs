//! PNG files of any size and depth, made without the crates under test.

/// An RGB image as a PNG file, 8 or 16 bits per channel, not compressed.
pub fn png(height: usize, width: usize, bits: u8, start: usize) -> Vec<u8> {
    let mut rows = Vec::new();
    for y in 0..height {
        rows.push(0); // No filter.
        for i in 0..width * 3 * usize::from(bits / 8) {
            rows.push((start + i * 5 + y * 3 + i * y / 7) as u8);
        }
    }
    encode(height, width, bits, &rows)
}

/// Rows of RGB pixels, each behind a zero byte, as a PNG file.
pub fn encode(height: usize, width: usize, bits: u8, rows: &[u8]) -> Vec<u8> {
    // A zlib stream of stored blocks.
    let mut data = vec![0x78, 0x01];
    let blocks = rows.chunks(0xffff).count();
    for (i, block) in rows.chunks(0xffff).enumerate() {
        let length = block.len() as u16;
        data.push(u8::from(i + 1 == blocks));
        data.extend(length.to_le_bytes());
        data.extend((!length).to_le_bytes());
        data.extend(block);
    }
    let (mut a, mut b) = (1u32, 0u32);
    for byte in rows {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    data.extend((b << 16 | a).to_be_bytes());
    let mut header = Vec::new();
    header.extend((width as u32).to_be_bytes());
    header.extend((height as u32).to_be_bytes());
    header.extend([bits, 2, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, content) in [(b"IHDR", header), (b"IDAT", data), (b"IEND", Vec::new())] {
        file.extend((content.len() as u32).to_be_bytes());
        let checked = [kind.as_slice(), &content].concat();
        file.extend(&checked);
        file.extend(crc(&checked).to_be_bytes());
    }
    file
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| {
            (c >> 1) ^ (0xedb8_8320 * (c & 1))
        })
    })
}
