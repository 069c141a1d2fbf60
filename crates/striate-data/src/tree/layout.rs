//! What the folders mean. Invariant: a layout that is not known is an error that
//! says what was looked for.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use rayon::prelude::*;

use super::FileTree;
use crate::{
    Error, ImageSet, Images, ResizeCrop, Result, RgbImage, decode_rgb, fit::fitted,
    parquet::SplitName,
};

/// An image set as a tree of files.
pub struct ImageTree {
    files: FileTree,
    /// What all names begin with: "" or the data set's own folder.
    root: String,
}

/// The images of one part, not yet read.
pub struct Listing<'a> {
    files: &'a FileTree,
    /// The classes, in byte order.
    pub class_names: Vec<String>,
    /// Name of the file and class of each image, class by class.
    pub samples: Vec<(String, u32)>,
}

impl ImageTree {
    /// Opens a folder or a tar. The part folders (`train`, `val`) or corruption
    /// folders may lie at the top or within one folder.
    ///
    /// # Errors
    ///
    /// If it cannot be read or holds no image.
    pub fn open(path: &Path) -> Result<Self> {
        Self::new(FileTree::open(path)?)
    }

    /// The image set that these files are.
    ///
    /// # Errors
    ///
    /// If there is no image among them.
    pub fn new(files: FileTree) -> Result<Self> {
        let Some(first) = files.under("").find(|name| is_image(name)) else {
            let found = format!("{} files of other kinds", files.len());
            return Err(Error::format(files.place(), "JPEG or PNG files", found));
        };
        // The top folder is no part of the layout when everything lies within it
        // and it has no meaning of its own.
        let top = first.split_once('/').map_or("", |(top, _)| top);
        let prefix = format!("{top}/");
        let alone = files.under("").all(|name| name.starts_with(&prefix));
        let known = [SplitName::Train, SplitName::Validation, SplitName::Test]
            .iter()
            .any(|split| split.aliases().contains(&top));
        let root = if alone && !top.is_empty() && !known {
            prefix
        } else {
            String::new()
        };
        Ok(Self { files, root })
    }

    /// The files.
    pub fn files(&self) -> &FileTree {
        &self.files
    }

    /// The training or validation images: TinyImageNet in its original layout or
    /// with the validation images sorted into class folders, ImageFolder, ImageNet.
    ///
    /// Classes are the folders of the training part; of the validation part where
    /// there is no training part.
    ///
    /// # Errors
    ///
    /// If there is no such part, a validation image has a class without training
    /// folder, the annotations do not fit the files, or `wnids.txt` names other classes.
    pub fn split(&self, split: SplitName) -> Result<Listing<'_>> {
        let (folder, found) = self.part(split)?;
        let class_names = match self.part(SplitName::Train) {
            Ok((_, train)) => classes_of(&train),
            Err(_) => classes_of(&found),
        };
        self.check_wnids(&class_names)?;
        self.listing(&folder, found, class_names)
    }

    /// The parts that have a folder with images in it, labelled or not.
    pub fn parts(&self) -> Vec<SplitName> {
        let all = [SplitName::Train, SplitName::Validation, SplitName::Test];
        all.into_iter()
            .filter(|split| self.images_in(*split) > 0)
            .collect()
    }

    /// Number of images in a part's folder, labelled or not.
    pub fn images_in(&self, split: SplitName) -> usize {
        let of_alias = |alias: &&str| {
            let folder = format!("{}{alias}/", self.root);
            self.files
                .under(&folder)
                .filter(|name| is_image(name))
                .count()
        };
        split.aliases().iter().map(of_alias).sum()
    }

    /// All images, where the class folders lie at the top without parts.
    ///
    /// # Errors
    ///
    /// If there is no class folder.
    pub fn whole(&self) -> Result<Listing<'_>> {
        let found = self.class_folders(&self.root);
        let class_names = classes_of(&found);
        self.listing(&self.root, found, class_names)
    }

    /// The corruptions of a Tiny-ImageNet-C or ImageNet-C tree, in byte order.
    pub fn corruptions(&self) -> Vec<String> {
        let with_severity = self.files.under(&self.root).filter_map(|name| {
            let mut parts = name[self.root.len()..].split('/');
            let (corruption, severity) = (parts.next()?, parts.next()?);
            let known = matches!(severity, "1" | "2" | "3" | "4" | "5") && parts.count() >= 2;
            known.then(|| corruption.to_string())
        });
        let corruptions: BTreeSet<String> = with_severity.collect();
        corruptions.into_iter().collect()
    }

    /// The images of one corruption at a severity of 1 to 5.
    ///
    /// # Errors
    ///
    /// If there is no such folder.
    pub fn corrupted(&self, corruption: &str, severity: u8) -> Result<Listing<'_>> {
        let folder = format!("{}{corruption}/{severity}/", self.root);
        let found = self.class_folders(&folder);
        if found.is_empty() {
            return Err(Error::format(
                self.files.place(),
                format!("images in {folder}<class>/"),
                format!("corruptions [{}]", self.corruptions().join(", ")),
            ));
        }
        let class_names = classes_of(&found);
        self.listing(&folder, found, class_names)
    }

    /// The folder of a part and its (class, file) pairs.
    fn part(&self, split: SplitName) -> Result<(String, Vec<(String, String)>)> {
        for alias in split.aliases() {
            let folder = format!("{}{alias}/", self.root);
            let annotations = format!("{folder}val_annotations.txt");
            let found = if self.files.has(&annotations) && self.is_flat(&folder) {
                self.annotated(&folder, &annotations)?
            } else {
                self.class_folders(&folder)
            };
            if !found.is_empty() {
                return Ok((folder, found));
            }
        }
        Err(Error::format(
            self.files.place(),
            format!(
                "images in class folders in {}{{{}}}",
                self.root,
                split.aliases().join(",")
            ),
            "none",
        ))
    }

    /// Whether the images lie in `images/` without class folders.
    fn is_flat(&self, folder: &str) -> bool {
        let images = format!("{folder}images/");
        self.files
            .under(&images)
            .any(|name| is_image(name) && !name[images.len()..].contains('/'))
    }

    /// `<class>/<file>`, `<class>/images/<file>` or `images/<class>/<file>`.
    fn class_folders(&self, folder: &str) -> Vec<(String, String)> {
        let images = self.files.under(folder).filter(|name| is_image(name));
        let mut found: Vec<(String, String)> = images
            .filter_map(|name| {
                let mut parts: Vec<&str> = name[folder.len()..].split('/').collect();
                parts.pop();
                let class = match parts[..] {
                    ["images", class, ..] => class,
                    [class, ..] if class != "images" => class,
                    _ => return None,
                };
                Some((class.to_string(), name.to_string()))
            })
            .collect();
        found.sort();
        found
    }

    fn annotated(&self, folder: &str, annotations: &str) -> Result<Vec<(String, String)>> {
        let text = self.files.read_text(annotations)?;
        let mut found = Vec::new();
        let mut named = BTreeSet::new();
        for (line, fields) in text
            .lines()
            .enumerate()
            .filter(|(_, l)| !l.trim().is_empty())
        {
            let place = format!(
                "{}, file {annotations}, line {}",
                self.files.place(),
                line + 1
            );
            let mut fields = fields.split('\t');
            let (Some(file), Some(class)) = (fields.next(), fields.next()) else {
                return Err(Error::format(place, "file, tab, class", "fewer fields"));
            };
            let name = format!("{folder}images/{file}");
            if !self.files.has(&name) {
                return Err(Error::format(place, format!("a file {name}"), "none"));
            }
            if !named.insert(name.clone()) {
                return Err(Error::format(
                    place,
                    "each file once",
                    format!("{file} again"),
                ));
            }
            found.push((class.trim().to_string(), name));
        }
        let images = format!("{folder}images/");
        if let Some(name) = self
            .files
            .under(&images)
            .find(|name| !named.contains(*name))
        {
            let place = format!("{}, file {annotations}", self.files.place());
            return Err(Error::format(place, format!("a line for {name}"), "none"));
        }
        found.sort();
        Ok(found)
    }

    fn check_wnids(&self, class_names: &[String]) -> Result<()> {
        let name = format!("{}wnids.txt", self.root);
        if !self.files.has(&name) {
            return Ok(());
        }
        let text = self.files.read_text(&name)?;
        let wnids: BTreeSet<&str> = text
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty())
            .collect();
        let classes: BTreeSet<&str> = class_names.iter().map(String::as_str).collect();
        match wnids.symmetric_difference(&classes).next() {
            None => Ok(()),
            Some(different) => Err(Error::format(
                format!("{}, file {name}", self.files.place()),
                format!("the {} class folders", classes.len()),
                format!("{} classes; {different} is in one only", wnids.len()),
            )),
        }
    }

    fn listing(
        &self,
        folder: &str,
        found: Vec<(String, String)>,
        class_names: Vec<String>,
    ) -> Result<Listing<'_>> {
        let label_of: BTreeMap<&str, u32> = class_names
            .iter()
            .enumerate()
            .map(|(label, name)| (name.as_str(), label as u32))
            .collect();
        let mut samples = Vec::with_capacity(found.len());
        for (class, name) in found {
            let Some(label) = label_of.get(class.as_str()) else {
                return Err(Error::format(
                    format!("{}, file {name}", self.files.place()),
                    format!("one of {} classes of the training part", class_names.len()),
                    class,
                ));
            };
            samples.push((name, *label));
        }
        if samples.is_empty() {
            return Err(Error::format(
                self.files.place(),
                format!("images in {folder}"),
                "none",
            ));
        }
        Ok(Listing {
            files: &self.files,
            class_names,
            samples,
        })
    }
}

impl Listing<'_> {
    /// Reads and decodes one image.
    ///
    /// # Errors
    ///
    /// If there is no such sample, or it cannot be read or decoded.
    pub fn decode(&self, index: usize) -> Result<RgbImage> {
        let Some((name, _)) = self.samples.get(index) else {
            let expected = format!("below {}", self.samples.len());
            return Err(Error::argument("index of an image", expected, index));
        };
        let place = format!("{}, file {name}", self.files.place());
        decode_rgb(&self.files.read(name)?, &place)
    }

    /// Reads and decodes all images, in parallel.
    ///
    /// # Errors
    ///
    /// If one cannot be read or decoded, or has another size than the first; the
    /// first such image is named.
    pub fn load(&self) -> Result<ImageSet> {
        self.load_fitted(None)
    }

    /// As [`Listing::load`], each image brought to one size first.
    ///
    /// # Errors
    ///
    /// As [`Listing::load`], and if the fit is none.
    pub fn load_fitted(&self, fit: Option<ResizeCrop>) -> Result<ImageSet> {
        let decoded: Vec<Result<RgbImage>> = (0..self.samples.len())
            .into_par_iter()
            .map(|index| fitted(self.decode(index)?, fit))
            .collect();
        let mut size = None;
        let mut pixels = Vec::new();
        for (image, (name, _)) in decoded.into_iter().zip(&self.samples) {
            let image = image?;
            let (height, width) = *size.get_or_insert((image.height, image.width));
            if (height, width) != (image.height, image.width) {
                return Err(Error::format(
                    format!("{}, file {name}", self.files.place()),
                    format!("{height} x {width} pixels as the first image"),
                    format!("{} x {}", image.height, image.width),
                ));
            }
            pixels.extend_from_slice(&image.pixels_u8);
        }
        let (height, width) = size.unwrap_or_default();
        let images = Images::new(self.samples.len(), height, width, 3, pixels)?;
        let labels = self.samples.iter().map(|(_, label)| *label).collect();
        let ids = self.samples.iter().map(|(name, _)| name.clone()).collect();
        ImageSet::new(images, labels, self.class_names.clone(), ids)
    }
}

fn classes_of(found: &[(String, String)]) -> Vec<String> {
    let classes: BTreeSet<&String> = found.iter().map(|(class, _)| class).collect();
    classes.into_iter().cloned().collect()
}

fn is_image(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    ["jpeg", "jpg", "png"]
        .iter()
        .any(|known| ending.eq_ignore_ascii_case(known))
}
