//! Prepares `static/` for the binary: one style sheet, imports by their served names, a hash in every
//! name, and brotli and gzip forms.

#![expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts so")]

#[path = "build/modules.rs"]
mod modules;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use sha2::{Digest, Sha256};

/// The style sheet that is put together from all others.
const SHEET: &str = "quadrant.css";
/// Its layers: a rule of a later one wins, however specific the others are.
const LAYERS: &str = "@layer reset, web, graphs, dashboard, session, patterns;\n";
/// Files of others. Their scripts are served byte for byte.
const VENDOR: &str = "vendor/";

fn main() {
    println!("cargo::rerun-if-changed=static");
    if let Err(mistake) = prepare() {
        println!("cargo::error=static/: {mistake}");
    }
}

fn prepare() -> Result<(), String> {
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    let mut files = BTreeMap::new();
    collect(Path::new("static"), &mut files);
    let sheet = sheet(&mut files);
    files.insert(SHEET.to_owned(), sheet);
    let is_ours = |path: &str| path.ends_with(".js") && !path.starts_with(VENDOR);
    let scripts = files.iter().filter(|(path, _)| is_ours(path));
    let scripts = scripts.map(|(path, body)| (path.clone(), text(body))).collect();
    let mut modules = modules::link(&scripts, name)?;
    let mut code = String::from("static ASSETS: &[Asset] = &[\n");
    for (path, body) in files {
        match modules.remove(&path) {
            Some(module) => asset(&path, module.body.as_bytes(), &module.needs, &out, &mut code),
            None => asset(&path, &body, &[], &out, &mut code),
        }
    }
    code.push_str("];\n");
    fs::write(out.join("assets.rs"), code).expect("the build folder can be written");
    Ok(())
}

/// Reads all files that are served, by their paths within `static/`.
fn collect(folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("static/ can be read") {
        let path = entry.expect("static/ can be read").path();
        if path.is_dir() {
            collect(&path, files);
        } else if content_type(&path).is_some() {
            let body = fs::read(&path).expect("static/ can be read");
            let path = path.strip_prefix("static").expect("it was found there");
            files.insert(path.to_str().expect("names are UTF-8").replace('\\', "/"), body);
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

/// Takes all style sheets out of the files and makes one of them, so that a page asks for one. Each of
/// ours names its layer, and within a layer the order is that of the paths. Those of others name none,
/// so they win where both set something.
fn sheet(files: &mut BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut sheet = LAYERS.as_bytes().to_vec();
    for (_, body) in files.extract_if(.., |path, _| path.ends_with(".css")) {
        sheet.extend(body);
        sheet.push(b'\n');
    }
    sheet
}

fn text(body: &[u8]) -> String {
    String::from_utf8(body.to_vec()).expect("our scripts are UTF-8")
}

/// The name under `/static/`: the path in one word, with a hash of the bytes.
fn name(path: &str, body: &[u8]) -> String {
    let hash = hex::encode(&Sha256::digest(body)[..6]);
    let (stem, extension) = path.rsplit_once('.').expect("assets have an extension");
    format!("{}.{hash}.{extension}", stem.replace('/', "-"))
}

/// Writes the three forms of a file, and the line of code that names them.
fn asset(path: &str, body: &[u8], needs: &[String], out: &Path, code: &mut String) {
    let name = name(path, body);
    let mut forms = String::new();
    for (form, bytes) in [("", body.to_vec()), (".br", brotli(body)), (".gz", gzip(body))] {
        let file = out.join(format!("{name}{form}"));
        fs::write(&file, bytes).expect("the build folder can be written");
        write!(forms, "include_bytes!({file:?}), ").expect("memory takes every byte");
    }
    let content_type = content_type(Path::new(path)).expect("only what is served was collected");
    writeln!(
        code,
        "Asset {{ path: {path:?}, name: {name:?}, needs: &{needs:?}, \
         content_type: {content_type:?}, bodies: [{forms}] }},"
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
