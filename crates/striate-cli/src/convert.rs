//! `striate convert`: networks from PyTorch and to it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use striate_data::Normalize;
use striate_run::convert::{ImportOptions, export, import, is_network};
use striate_run::{Error, LayerName};

/// What to write.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum To {
    /// A network's file, for evaluate and predict.
    Striate,
    /// Safetensors in torchvision's names and layout.
    Torchvision,
}

#[derive(clap::Args)]
#[command(after_help = "\
IN is a PyTorch checkpoint (.pth, .pt: zip or the older layout; nothing in it is executed),
safetensors in torchvision's names, or a network's file. Of a checkpoint the dict of weights is
found wherever it is; a prefix of the names, and module. in them, does not matter.

Blocks, widths, batch norm, head, channels and classes are read off the tensors, and of a dense
head the input size, too. torchvision's VGG averages its last map to 7x7: at 224 px this changes
nothing, and for another --input-size it is folded into the classifier.

  striate convert vgg19_bn.pth vgg.safetensors --classes names.txt \\
      --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225
  striate convert vgg.safetensors back.safetensors --to torchvision")]
pub struct Arguments {
    /// The file to convert.
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// The file to write, .safetensors.
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// What to write [default: torchvision for a network's file, else striate].
    #[arg(long)]
    to: Option<To>,
    /// A recipe (smoke, mini, tiny, or the path of a TOML file) or a network's file that IN must
    /// be like; the latter gives normalisation and classes, too.
    #[arg(long, value_name = "RECIPE|FILE")]
    like: Option<String>,
    /// Means of the channels, for pixels in [0, 1]: one for gray, three for colour.
    #[arg(
        long,
        value_delimiter = ',',
        requires = "std",
        allow_negative_numbers = true
    )]
    mean: Option<Vec<f32>>,
    /// Standard deviations of the channels.
    #[arg(long, value_delimiter = ',', requires = "mean")]
    std: Option<Vec<f32>>,
    /// Names of the classes in the order of the scores: with commas between them, a file
    /// (one a line, or a JSON list), or a folder with a folder for each class
    /// [default: 0, 1, ...].
    #[arg(long, value_name = "NAMES|FILE|FOLDER")]
    classes: Option<String>,
    /// Height and width of the images in pixels.
    #[arg(long, value_name = "PX")]
    input_size: Option<usize>,
    /// The last shared layer [default: conv3_1, or the last].
    #[arg(long, value_name = "LAYER")]
    split: Option<LayerName>,
    /// Which dict of weights of a checkpoint, where there are several.
    #[arg(long, value_name = "KEY")]
    part: Option<String>,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Error> {
    let input = arguments.input.as_path();
    let refuse = |path: &Path, problem: &str| {
        Err(Error::NetworkFile {
            path: path.to_owned(),
            problem: problem.to_owned(),
        })
    };
    if arguments
        .output
        .extension()
        .is_none_or(|e| e != "safetensors")
    {
        return refuse(
            &arguments.output,
            "the name of what is written ends in .safetensors",
        );
    }
    let network = is_network(input)?;
    let to = arguments.to.unwrap_or(if network {
        To::Torchvision
    } else {
        To::Striate
    });
    let lines = match (network, to) {
        (true, To::Striate) => return refuse(input, "is a network's file already"),
        (false, To::Torchvision) => {
            return refuse(input, "is no network's file: convert it to one first");
        }
        (true, To::Torchvision) => {
            if arguments.says_what_it_is() {
                return refuse(input, "is a network's file: it says itself what it is");
            }
            export(input, &arguments.output)?
        }
        (false, To::Striate) => import(input, &arguments.output, &arguments.options()?)?,
    };
    lines.iter().for_each(|line| println!("{line}"));
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    /// Whether an option is there that only a foreign file needs.
    fn says_what_it_is(&self) -> bool {
        let texts = [&self.like, &self.classes, &self.part];
        texts.iter().any(|text| text.is_some())
            || self.mean.is_some()
            || self.input_size.is_some()
            || self.split.is_some()
    }

    fn options(&self) -> Result<ImportOptions, Error> {
        let statistics = self.mean.clone().zip(self.std.clone());
        Ok(ImportOptions {
            like: self.like.clone(),
            part: self.part.clone(),
            input_size: self.input_size,
            split: self.split,
            normalize: statistics.map(|(mean, std)| Normalize { mean, std }),
            class_names: self.classes.as_deref().map(class_names).transpose()?,
        })
    }
}

/// Names of classes from a folder, a file or the text itself.
fn class_names(text: &str) -> Result<Vec<String>, Error> {
    let path = Path::new(text);
    let wrong = |problem: String| Error::NetworkFile {
        path: path.to_owned(),
        problem,
    };
    let trimmed = |names: &mut dyn Iterator<Item = &str>| -> Vec<String> {
        let names = names.map(str::trim).filter(|name| !name.is_empty());
        names.map(str::to_owned).collect()
    };
    let unread = |e: std::io::Error| wrong(format!("could not be read: {e}"));
    if path.is_dir() {
        // The order in which torchvision's ImageFolder counts.
        let mut names = Vec::new();
        for entry in path.read_dir().map_err(unread)? {
            let entry = entry.map_err(unread)?;
            if entry.path().is_dir() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort_unstable();
        return Ok(names);
    }
    if !path.is_file() {
        return Ok(trimmed(&mut text.split(',')));
    }
    let content = std::fs::read_to_string(path).map_err(unread)?;
    if content.trim_start().starts_with('[') {
        let names = serde_json::from_str(&content);
        return names.map_err(|e| wrong(format!("is no JSON list of names: {e}")));
    }
    Ok(trimmed(&mut content.lines()))
}
