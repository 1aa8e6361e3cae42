//! Scripts and styles: from the binary, for ever, compressed while building.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use sha2::{Digest, Sha256};

use crate::helpers::app::App;

/// The code of the build that follows imports.
#[path = "../../../build/modules.rs"]
mod modules;

/// The addresses of the dashboard's own assets.
async fn addresses(app: &App) -> Vec<String> {
    addresses_of(app, "/").await
}

/// The addresses of a page's own assets.
async fn addresses_of(app: &App, page: &str) -> Vec<String> {
    let page = app.get_with(page, &[]).await;
    let after = page.text().split("\"/static/").skip(1);
    after.map(|rest| format!("/static/{}", rest.split('"').next().unwrap())).collect()
}

#[tokio::test]
async fn every_asset_of_the_page_is_immutable_and_compressed() {
    let app = App::spawn(&[]);

    let addresses = addresses(&app).await;

    // An icon, a style sheet, plotly.js, htmx, and five modules.
    assert_eq!(addresses.len(), 9, "{addresses:?}");
    for address in addresses {
        let plain = app.get_with(&address, &[]).await;
        let brotli = app.get_with(&address, &[("Accept-Encoding", "br, gzip")]).await;
        let gzip = app.get_with(&address, &[("Accept-Encoding", "gzip")]).await;
        let known = app.get_with(&address, &[("If-None-Match", plain.header("etag"))]).await;

        assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(
            (brotli.header("content-encoding"), gzip.header("content-encoding")),
            ("br", "gzip")
        );
        assert_eq!([brotli.unpacked(), gzip.unpacked()], [plain.unpacked(), plain.unpacked()]);
        assert_eq!((known.status, known.bytes.len()), (304, 0));
    }
}

#[tokio::test]
async fn the_name_of_an_asset_changes_with_its_bytes() {
    let app = App::spawn(&[]);

    for address in addresses(&app).await {
        let body = app.get_with(&address, &[]).await.bytes;
        let hash: String =
            Sha256::digest(&body)[..6].iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(address.contains(&hash), "{address}");
    }
}

#[tokio::test]
async fn every_import_is_a_file_that_the_page_names_before_it_is_asked_for() {
    let app = App::spawn(&[]);

    for (page, least) in [
        ("/", 5),
        ("/session", 5),
        ("/nowhere", 5),
        ("/patterns", 5),
        ("/patterns/background", 5),
        ("/patterns/browser", 13),
        ("/patterns/aggregates", 13),
    ] {
        let named: BTreeSet<String> = addresses_of(&app, page).await.into_iter().collect();
        let scripts = named.iter().filter(|it| it.ends_with(".js") && !it.contains("/vendor-"));
        let mut found = 0;
        for script in scripts {
            let body = app.get_with(script, &[]).await;
            for import in imports(body.text()) {
                let name = import.strip_prefix("./").expect("files are in one folder");
                let address = format!("/static/{name}");
                let answer = app.get_with(&address, &[]).await;

                assert_eq!(answer.status, 200, "{script} imports {import}");
                assert!(answer.header("cache-control").contains("immutable"), "{import}");
                assert!(named.contains(&address), "{page} does not name {import}");
            }
            found += 1;
        }
        assert!(found >= least, "{page} has {found} modules");
    }
}

/// The addresses that a script imports.
fn imports(script: &str) -> Vec<&str> {
    let lines = script.lines().filter(|line| line.starts_with("import "));
    lines.map(|line| line.split('"').nth(1).unwrap()).collect()
}

/// Links scripts as the build does, with names that are short enough to read.
fn linked(scripts: &[(&str, &str)]) -> Result<BTreeMap<String, modules::Module>, String> {
    let scripts = scripts.iter().map(|(path, body)| ((*path).to_owned(), (*body).to_owned()));
    modules::link(&scripts.collect(), |path, body| {
        let digest: String =
            Sha256::digest(body)[..2].iter().map(|it| format!("{it:02x}")).collect();
        format!("{}.{digest}", path.replace('/', "-"))
    })
}

#[test]
fn an_import_names_the_bytes_that_it_gets() {
    let page = "import { b } from \"../lib/b.js\";\nimport \"./c.js\";\nb();\n";
    let b = "import { d } from \"./d.js\";\nexport const b = d;\n";
    let all = |d| [("web/page.js", page), ("lib/b.js", b), ("web/c.js", "c();\n"), ("lib/d.js", d)];

    let before = linked(&all("export const d = 1;\n")).unwrap();
    let after = linked(&all("export const d = 2;\n")).unwrap();

    let served = |all: &BTreeMap<String, modules::Module>| {
        let expected = format!(
            "import {{ b }} from \"./{}\";\nimport \"./{}\";\nb();\n",
            all["lib/b.js"].name, all["web/c.js"].name
        );
        assert_eq!(all["web/page.js"].body, expected);
        assert_eq!(all["web/page.js"].needs, ["lib/d.js", "lib/b.js", "web/c.js"]);
    };
    served(&before);
    served(&after);
    for changed in ["lib/d.js", "lib/b.js", "web/page.js"] {
        assert_ne!(before[changed].name, after[changed].name, "{changed}");
    }
    assert_eq!(before["web/c.js"].name, after["web/c.js"].name);
}

#[test]
fn an_import_that_cannot_be_followed_fails_the_build_and_says_why() {
    for (body, says) in [
        ("import \"./missing.js\";\n", "a.js imports \"./missing.js\", which is no script of ours"),
        ("import \"b.js\";\n", "a.js imports \"b.js\", which is no script of ours"),
        ("import \"../../b.js\";\n", "a.js imports \"../../b.js\", which is no script of ours"),
        ("import \"./b.js\";\n", "in a circle: a.js imports b.js imports a.js"),
        ("import \"./a.js\";\n", "in a circle: a.js imports a.js"),
        ("import {\n  b,\n} from \"./b.js\";\n", "a.js: an import is one line"),
        ("import { b } from './b.js';\n", "a.js: an import is one line"),
        (
            "const b = await import(\"./b.js\");\n",
            "a.js: the build does not follow a dynamic import",
        ),
    ] {
        let mistake = linked(&[("a.js", body), ("b.js", "import \"./a.js\";\n")]).err().unwrap();
        assert!(mistake.contains(says), "{body}: {mistake}");
    }
}

#[tokio::test]
async fn a_name_of_other_bytes_is_not_found() {
    let app = App::spawn(&[]);

    for path in
        ["/static/quadrant.css", "/static/quadrant.000000000000.css", "/static/../Cargo.toml"]
    {
        assert_eq!(app.get_with(path, &[]).await.status, 404, "{path}");
    }
}

/// The manifest's own form: `| file | … | sha256 | integrity |`.
#[test]
fn vendored_files_are_those_of_the_manifest() {
    let manifest = fs::read_to_string("static/vendor/README.md").unwrap();
    let rows: Vec<Vec<&str>> = manifest
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split('|').map(|cell| cell.trim().trim_matches('`')).collect())
        .collect();

    assert_eq!(rows.len(), 3);
    for row in rows {
        let body = fs::read(format!("static/vendor/{}", row[1])).unwrap();
        let hash: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, row[5], "{}", row[1]);
        assert!(row[6].starts_with("sha512-"));
    }
}
