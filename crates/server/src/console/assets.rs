//! The console's style sheets, script and icon, part of the program. Their names hold a digest of their content, so browsers
//! may keep them for ever.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::header;

use super::refusal::Refusal;

struct Asset {
    plain_name: &'static str,
    name: String,
    content_type: &'static str,
    text: &'static str,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    const STYLE: &str = "text/css; charset=utf-8";
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    vec![
        asset("tokens.css", STYLE, include_str!("../../assets/tokens.css")),
        asset("console.css", STYLE, include_str!("../../assets/console.css")),
        asset("centre.css", STYLE, include_str!("../../assets/centre.css")),
        asset("drawing.css", STYLE, include_str!("../../assets/drawing.css")),
        asset("evidence.css", STYLE, include_str!("../../assets/evidence.css")),
        asset("access.css", STYLE, include_str!("../../assets/access.css")),
        asset("administration.css", STYLE, include_str!("../../assets/administration.css")),
        asset("administration.js", SCRIPT, include_str!("../../assets/administration.js")),
        asset("console.js", SCRIPT, include_str!("../../assets/console.js")),
        asset("verify.js", SCRIPT, include_str!("../../assets/verify.js")),
        asset("icon.svg", "image/svg+xml", include_str!("../../assets/icon.svg")),
    ]
});

fn asset(plain_name: &'static str, content_type: &'static str, text: &'static str) -> Asset {
    let digest = digest(&SHA256, text.as_bytes());
    let digits: u64 = digest.as_ref().iter().take(8).fold(0, |digits, byte| digits << 8 | u64::from(*byte));
    let (stem, ending) = plain_name.split_once('.').unwrap_or((plain_name, ""));
    Asset { plain_name, name: format!("{stem}.{digits:016x}.{ending}"), content_type, text }
}

/// The path under which the asset of this name is served.
pub(super) fn path(plain_name: &str) -> String {
    let found = ASSETS.iter().find(|asset| asset.plain_name == plain_name);
    format!("/assets/{}", found.map_or(plain_name, |asset| asset.name.as_str()))
}

/// `GET /assets/{name}`
pub(super) async fn serve(Path(name): Path<String>) -> Result<Response, Refusal> {
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or(Refusal::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, asset.text).into_response())
}
