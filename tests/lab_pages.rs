//! The pages of the lab as they stand in `src/app/lab/pages`: what they name is served, none can make markup of what a
//! peer sent, and every colour can be read on every ground.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/app/lab")
}

/// Names and texts of the pages whose names end like this.
fn pages(end: &str) -> BTreeMap<String, String> {
    let files = fs::read_dir(folder().join("pages")).expect("the folder is there");
    let paths = files.map(|file| file.expect("a file").path());
    let ending = paths.filter(|path| path.to_string_lossy().ends_with(end));
    ending
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into();
            (name, fs::read_to_string(path).expect("text"))
        })
        .collect()
}

/// What stands between two marks, wherever they do on one line.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> Vec<&'a str> {
    let pieces = text.split(begin).skip(1);
    pieces
        .filter_map(|piece| piece.lines().next()?.split_once(end))
        .map(|(found, _)| found)
        .collect()
}

#[test]
fn every_script_and_style_is_served_and_every_one_named_is_there() {
    let server = fs::read_to_string(folder().join("mod.rs")).expect("text");
    let (scripts, styles, html) = (pages(".js"), pages(".css"), &pages(".html")["lab.html"]);
    for (name, text) in scripts.iter().chain(&styles) {
        assert!(
            server.contains(&format!(
                "(\"/lab/{name}\", include_str!(\"pages/{name}\"))"
            )),
            "{name} is not served"
        );
        for named in between(text, "from './", "'") {
            assert!(scripts.contains_key(named), "{name} imports {named}");
        }
    }
    for name in styles.keys() {
        assert!(
            html.contains(&format!("href=\"lab/{name}\"")),
            "{name} is not linked"
        );
    }
    let named = [
        between(html, "href=\"lab/", "\""),
        between(html, "src=\"lab/", "\""),
    ]
    .concat();
    for name in named {
        assert!(
            scripts.contains_key(name) || styles.contains_key(name),
            "{name} is linked"
        );
    }
}

#[test]
fn no_script_makes_markup_or_code_of_a_text() {
    let ways = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "createContextualFragment",
        "document.write",
        "DOMParser",
        "srcdoc",
        "eval(",
        "new Function",
        "javascript:",
    ];
    for (name, text) in pages(".js") {
        for way in ways {
            assert!(!text.contains(way), "{name} has {way}");
        }
    }
}

/// The policy of the page allows neither, and a browser says so only on its console.
#[test]
fn no_page_has_inline_style_or_script() {
    for (name, text) in pages(".html") {
        for way in [
            "style=",
            "<style",
            " onclick=",
            " onsubmit=",
            "<script>",
            "http://",
            "https://",
        ] {
            assert!(!text.contains(way), "{name} has {way}");
        }
    }
    for (name, text) in pages(".js") {
        for way in ["'style'", "{ style:", ", style:", "cssText"] {
            assert!(!text.contains(way), "{name} sets the attribute {way}");
        }
    }
    for (name, text) in pages(".css") {
        for way in ["url(", "@import"] {
            assert!(!text.contains(way), "{name} has {way}");
        }
    }
}

/// Red, green and blue from 0 to 1.
type Colour = [f64; 3];

/// The variables of `lab.css` that are colours, of the light scheme or of the dark one.
fn colours(is_dark: bool) -> BTreeMap<String, Colour> {
    let css = &pages(".css")["lab.css"];
    let (light, dark) = css
        .split_once("@media (prefers-color-scheme: dark)")
        .expect("two schemes");
    let scheme = if is_dark { dark } else { light };
    let scheme = scheme.split("\n}").next().expect("a block");
    let declared = scheme
        .split(';')
        .filter_map(|line| line.rsplit_once("--")?.1.split_once(": #"));
    declared
        .map(|(name, hex)| (name.into(), colour(hex.trim())))
        .collect()
}

fn colour(hex: &str) -> Colour {
    [0, 2, 4].map(|at| {
        let part = u8::from_str_radix(&hex[at..at + 2], 16).expect("two digits");
        f64::from(part) / 255.0
    })
}

/// WCAG 2.2's contrast ratio.
fn contrast(one: Colour, other: Colour) -> f64 {
    let luminance = |colour: Colour| {
        let linear = colour.map(|part| match part {
            part if part <= 0.04045 => part / 12.92,
            part => ((part + 0.055) / 1.055).powf(2.4),
        });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

const FIELDS: [&str; 6] = ["control", "key", "length", "payload", "code", "broken"];

#[test]
fn text_can_be_read_on_every_ground() {
    for is_dark in [false, true] {
        let colours = colours(is_dark);
        let check = |what: &str, on: &str, least: f64| {
            let found = contrast(colours[what], colours[on]);
            assert!(
                found >= least,
                "{what} on {on}, dark: {is_dark}: {found:.2}, not {least}"
            );
        };
        for ground in ["ground", "raised"] {
            for text in ["text", "muted", "link"].iter().chain(&FIELDS) {
                check(text, ground, 4.5);
            }
        }
        for field in FIELDS {
            check(field, "ground", 4.8);
            // Of what is selected, the ground is the field's colour.
            check("on-field", field, 4.5);
        }
        check("edge", "ground", 3.0);
    }
}

#[test]
fn the_fields_have_the_colours_of_the_terminal_in_both_schemes() {
    let light = [
        "#15757f", "#6f2352", "#7f6614", "#21583a", "#4244b1", "#7d0f0a",
    ];
    let dark = [
        "#6fe9ea", "#c985b0", "#fbc13a", "#a6d2a2", "#7d92fb", "#f4634b",
    ];
    for (is_dark, due) in [(false, light), (true, dark)] {
        let colours = colours(is_dark);
        for (field, hex) in FIELDS.iter().zip(due) {
            assert_eq!(
                colours[*field],
                colour(&hex[1..]),
                "{field}, dark: {is_dark}"
            );
        }
    }
}
