//! Prepares `static/` for the binary: a hash in every name, and brotli and gzip forms.

#![expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts so")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use sha2::{Digest, Sha256};

fn main() {
    println!("cargo::rerun-if-changed=static");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    let mut files = Vec::new();
    collect(Path::new("static"), &mut files);
    files.sort();
    let mut code = String::from("static ASSETS: &[Asset] = &[\n");
    for file in files {
        asset(&file, &out, &mut code);
    }
    code.push_str("];\n");
    fs::write(out.join("assets.rs"), code).expect("the build folder can be written");
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("static/ can be read") {
        let path = entry.expect("static/ can be read").path();
        if path.is_dir() {
            collect(&path, files);
        } else if content_type(&path).is_some() {
            files.push(path);
        }
    }
}

/// What is served; licences and manifests are not.
fn content_type(path: &Path) -> Option<&'static str> {
    match path.extension()?.to_str()? {
        "js" => Some("text/javascript; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

fn asset(path: &Path, out: &Path, code: &mut String) {
    let body = fs::read(path).expect("static/ can be read");
    let hash: String =
        Sha256::digest(&body)[..6].iter().map(|byte| format!("{byte:02x}")).collect();
    let file = path.file_name().and_then(|name| name.to_str()).expect("names are UTF-8");
    let (stem, extension) = file.rsplit_once('.').expect("assets have an extension");
    let name = format!("{stem}.{hash}.{extension}");
    let mut forms = String::new();
    for (form, bytes) in [("", body.clone()), (".br", brotli(&body)), (".gz", gzip(&body))] {
        let file = out.join(format!("{name}{form}"));
        fs::write(&file, bytes).expect("the build folder can be written");
        write!(forms, "include_bytes!({file:?}), ").expect("memory takes every byte");
    }
    let path = path.strip_prefix("static").expect("it was found there");
    let content_type = content_type(path).expect("only what is served was collected");
    writeln!(
        code,
        "Asset {{ path: {path:?}, name: {name:?}, content_type: {content_type:?}, bodies: [{forms}] }},"
    )
    .expect("memory takes every byte");
}

fn brotli(body: &[u8]) -> Vec<u8> {
    let (mut compressed, best, window) = (Vec::new(), 11, 24);
    let mut writer = brotli::CompressorWriter::new(&mut compressed, 65_536, best, window);
    writer.write_all(body).expect("memory takes every byte");
    drop(writer);
    compressed
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(body).expect("memory takes every byte");
    writer.finish().expect("memory takes every byte")
}
