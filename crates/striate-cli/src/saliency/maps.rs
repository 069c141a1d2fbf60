//! Maps over images from files. Invariant: each map is known by the id of its image, and
//! ids are unique.

use std::collections::BTreeMap;
use std::path::Path;

use striate_data::array::{Array, Values, read_npz};
use striate_data::decode_rgb;
use striate_saliency::Map;

use crate::input::{Error, Result, some_of, split_member};

/// The maps of one file or folder.
pub(super) struct Maps {
    /// As given, for messages.
    pub(super) file: String,
    /// Its stem: the name in tables.
    pub(super) name: String,
    /// By the image's id.
    pub(super) maps: BTreeMap<String, Map>,
}

impl Maps {
    /// Reads a folder of gray PNG files, whose names are the ids, or a `.npz` file: one array
    /// of images x height x width (`FILE.npz:NAME`, with `ids` if there), or an array of
    /// height x width for each image, whose name is the id.
    ///
    /// # Errors
    ///
    /// A file that holds no maps, ids that do not fit, a value that is not finite.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = path.display().to_string();
        let (real, key) = split_member(path);
        let maps = if real.is_dir() {
            pictures(&real)?
        } else {
            arrays(&real, key.as_deref())?
        };
        if maps.is_empty() {
            return Err(Error::content(file, "at least one map", "none"));
        }
        let name = real.file_stem().unwrap_or_default().to_string_lossy();
        Ok(Self {
            name: match &key {
                Some(key) => format!("{name}:{key}"),
                None => name.into_owned(),
            },
            file,
            maps,
        })
    }

    /// The file and an image, for messages.
    pub(super) fn place(&self, id: &str) -> String {
        format!("{}, image `{id}`", self.file)
    }

    /// Checks that another file has the maps of the same images, in the same sizes.
    ///
    /// # Errors
    ///
    /// Otherwise: the differing ids, or both sizes.
    pub(super) fn check(&self, other: &Self) -> Result<()> {
        let missing = |of: &Self, from: &Self| -> Vec<String> {
            let ids = of.maps.keys().filter(|id| !from.maps.contains_key(*id));
            ids.cloned().collect()
        };
        let (only, extra) = (missing(self, other), missing(other, self));
        if !only.is_empty() || !extra.is_empty() {
            let listed = |ids: &[String]| match ids {
                [] => "none".to_owned(),
                ids => some_of(ids, 10),
            };
            return Err(Error::content(
                format!("{} and {}", self.file, other.file),
                "maps of the same images",
                format!(
                    "{} only in the first, {} only in the second",
                    listed(&only),
                    listed(&extra)
                ),
            ));
        }
        for ((id, map), theirs) in self.maps.iter().zip(other.maps.values()) {
            let size = |map: &Map| format!("{} x {}", map.height(), map.width());
            if size(map) != size(theirs) {
                let expected = format!("a map of {} as in {}", size(map), self.file);
                return Err(Error::content(other.place(id), expected, size(theirs)));
            }
        }
        Ok(())
    }
}

fn pictures(folder: &Path) -> Result<BTreeMap<String, Map>> {
    let io = |e| Error::io("read", folder, e);
    let mut maps = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let png = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("png"));
        let (true, Some(stem)) = (png, path.file_stem()) else {
            continue;
        };
        let place = path.display().to_string();
        let bytes = std::fs::read(&path).map_err(|e| Error::io("read", &path, e))?;
        let image = decode_rgb(&bytes, &place)?;
        let mut values = Vec::with_capacity(image.height * image.width);
        for pixel in image.pixels_u8.chunks_exact(3) {
            if pixel.iter().any(|v| *v != pixel[0]) {
                let found = format!("the colour {pixel:?}");
                return Err(Error::content(place, "a gray picture", found));
            }
            values.push(f64::from(pixel[0]));
        }
        let map = Map::new(image.height, image.width, values);
        let map = map.map_err(|e| Error::saliency(&place, e))?;
        maps.insert(stem.to_string_lossy().into_owned(), map);
    }
    Ok(maps)
}

fn arrays(path: &Path, key: Option<&str>) -> Result<BTreeMap<String, Map>> {
    let file = path.display().to_string();
    let arrays = read_npz(path)?;
    let of_axes = |axes: usize| -> Vec<(&String, &Array)> {
        let numbers = arrays
            .iter()
            .filter(|(_, a)| !matches!(a.values, Values::Text(_)));
        numbers.filter(|(_, a)| a.shape.len() == axes).collect()
    };
    let (stacks, single) = (of_axes(3), of_axes(2));
    let (name, stack) = match (key, stacks.as_slice()) {
        (Some(key), all) => {
            let found = all.iter().find(|(name, _)| *name == key).copied();
            found.ok_or_else(|| {
                let names: Vec<String> = all.iter().map(|(name, _)| (*name).clone()).collect();
                let expected = format!("an array {key} of images x height x width");
                Error::content(&file, expected, format!("[{}]", some_of(&names, 10)))
            })?
        }
        (None, [only]) => *only,
        (None, []) => {
            let map = |(id, array): (&String, &Array)| {
                let place = format!("{file}, array {id}");
                let values = array.to_f32(&place)?;
                let map = Map::from_f32(array.shape[0], array.shape[1], &values);
                Ok((id.clone(), map.map_err(|e| Error::saliency(&place, e))?))
            };
            return single.into_iter().map(map).collect();
        }
        (None, many) => {
            let names: Vec<String> = many.iter().map(|(name, _)| (*name).clone()).collect();
            return Err(Error::content(
                &file,
                format!("one array of images x height x width, or {file}:NAME"),
                format!("{} of them ({})", names.len(), some_of(&names, 10)),
            ));
        }
    };
    let place = format!("{file}, array {name}");
    let (count, height, width) = (stack.shape[0], stack.shape[1], stack.shape[2]);
    let ids = ["ids", "image_ids", "image_id"].iter();
    let ids = match ids.filter_map(|n| arrays.get(*n)).next() {
        Some(ids) => ids.to_labels(),
        None => (0..count).map(|i| i.to_string()).collect(),
    };
    if ids.len() != count {
        return Err(Error::content(
            place,
            format!("{} maps, one for each id", ids.len()),
            count,
        ));
    }
    let values = stack.to_f32(&place)?;
    let mut maps = BTreeMap::new();
    for (i, id) in ids.into_iter().enumerate() {
        let len = height * width;
        let map = Map::from_f32(height, width, &values[i * len..(i + 1) * len]);
        let map = map.map_err(|e| Error::saliency(format!("{place}, image `{id}`"), e))?;
        if maps.insert(id.clone(), map).is_some() {
            return Err(Error::content(
                place,
                "each id once",
                format!("`{id}` again"),
            ));
        }
    }
    Ok(maps)
}
