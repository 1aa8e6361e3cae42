//! The imports of our scripts, as `build.rs` follows them. A served import names a file by its hash,
//! so a changed script also changes the names of all scripts that import it.

use std::collections::BTreeMap;

/// A script whose imports name served files.
pub(crate) struct Module {
    /// What is served.
    pub(crate) body: String,
    /// Its name under `/static/`.
    pub(crate) name: String,
    /// The paths of all scripts that it needs, each one after its own needs.
    pub(crate) needs: Vec<String>,
}

/// Follows the imports of scripts, which are given by their paths. `name` makes the served name of a
/// path and its body.
pub(crate) fn link(
    scripts: &BTreeMap<String, String>,
    name: fn(&str, &[u8]) -> String,
) -> Result<BTreeMap<String, Module>, String> {
    let mut linker = Linker { scripts, name, linked: BTreeMap::new(), open: Vec::new() };
    for path in scripts.keys() {
        linker.visit(path)?;
    }
    Ok(linker.linked)
}

struct Linker<'a> {
    scripts: &'a BTreeMap<String, String>,
    name: fn(&str, &[u8]) -> String,
    linked: BTreeMap<String, Module>,
    /// The scripts that are being linked: each one imports the next.
    open: Vec<String>,
}

impl Linker<'_> {
    /// Links a script after everything that it imports, because its bytes hold their names.
    fn visit(&mut self, path: &str) -> Result<(), String> {
        if self.linked.contains_key(path) {
            return Ok(());
        }
        if let Some(at) = self.open.iter().position(|open| open == path) {
            let circle = self.open[at..].join(" imports ");
            return Err(format!("scripts import each other in a circle: {circle} imports {path}"));
        }
        self.open.push(path.to_owned());
        let (mut body, mut needs) = (String::new(), Vec::new());
        for line in self.scripts[path].split_inclusive('\n') {
            let import = import(line).map_err(|mistake| format!("{path}: {mistake}: {line}"))?;
            let Some([before, address, after]) = import else {
                body.push_str(line);
                continue;
            };
            let imported = resolve(path, address);
            let imported = imported.filter(|imported| self.scripts.contains_key(imported));
            let missing = || format!("{path} imports \"{address}\", which is no script of ours");
            let imported = imported.ok_or_else(missing)?;
            self.visit(&imported)?;
            let module = &self.linked[&imported];
            // All files are served from one folder.
            body.push_str(&format!("{before}./{}{after}", module.name));
            for need in module.needs.iter().chain([&imported]) {
                if !needs.contains(need) {
                    needs.push(need.clone());
                }
            }
        }
        self.open.pop();
        let name = (self.name)(path, body.as_bytes());
        self.linked.insert(path.to_owned(), Module { body, name, needs });
        Ok(())
    }
}

/// The address that a line imports, between what stands before and after it.
fn import(line: &str) -> Result<Option<[&str; 3]>, &'static str> {
    if line.contains("import(") {
        return Err("the build does not follow a dynamic import");
    }
    let is_passed_on = ["export {", "export *"].iter().any(|start| line.starts_with(start));
    let is_import = line.starts_with("import") || is_passed_on && line.contains(" from ");
    if !is_import {
        return Ok(None);
    }
    let quoted = line.trim_end().strip_suffix("\";").and_then(|rest| rest.rsplit_once('"'));
    let (before, address) = quoted.ok_or("an import is one line and ends with \"ADDRESS\";")?;
    let start = before.len() + 1;
    Ok(Some([&line[..start], address, &line[start + address.len()..]]))
}

/// The path of an address that stands in the script of another path, if it is relative.
fn resolve(path: &str, address: &str) -> Option<String> {
    if !address.starts_with("./") && !address.starts_with("../") {
        return None;
    }
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in address.split('/') {
        match part {
            "." => {}
            ".." => _ = parts.pop()?,
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
