//! Scripts and styles: from the binary, for ever, compressed while building.

use std::fs;

use sha2::{Digest, Sha256};

use crate::helpers::app::App;

/// The addresses of a page's own assets.
async fn addresses(app: &App) -> Vec<String> {
    let page = app.get_with("/", &[]).await;
    let after = page.text().split("\"/static/").skip(1);
    after.map(|rest| format!("/static/{}", rest.split('"').next().unwrap())).collect()
}

#[tokio::test]
async fn every_asset_of_the_page_is_immutable_and_compressed() {
    let app = App::spawn(&[]);

    let addresses = addresses(&app).await;

    assert_eq!(addresses.len(), 6, "{addresses:?}");
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
