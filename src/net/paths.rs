//! Path templates: which one a request's path fits, and what stands in its places.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

/// A path with places for what differs: `/room/{id}` or `/files/{*rest}`.
///
/// `{id}` stands for one segment, which is not empty; `{*rest}`, at the end only, for all that follows, slashes
/// included, which is not empty either. Everything else is compared byte by byte: a slash at the end makes another
/// path, and so does a percent code for a character that needs none.
///
/// ```
/// use plainws::net::paths::Template;
///
/// let room: Template = "/room/{id}".parse()?;
/// let values = room.values("/room/caf%C3%A9").expect("it fits")?;
/// assert_eq!(values, [("id".to_owned(), "café".to_owned())]);
/// assert_eq!(room.values("/room/"), None);
/// assert_eq!(room.values("/room/1/door"), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    /// `{name}`.
    One(String),
    /// `{*name}`.
    Rest(String),
}

/// How exactly a segment of a template says what it stands for; the exacter one is the smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Literal,
    One,
    Rest,
}

/// The values of a path by their names, in the order of the template.
pub type Values = Vec<(String, String)>;

impl Template {
    /// The values that stand in this template's places in a path, percent-decoded (RFC 3986 §2.1). `None` if
    /// the path does not fit.
    ///
    /// A value may hold anything that can be written in UTF-8: slashes (`%2F`), `..`, NUL (`%00`).
    ///
    /// # Errors
    ///
    /// [`InvalidPath`] when one of them has a percent sign without two hex digits after it, or is not UTF-8.
    #[must_use]
    pub fn values(&self, path: &str) -> Option<Result<Values, InvalidPath>> {
        Some(decode_all(self.raw_values(path)?))
    }

    /// The same as they stand in the path.
    fn raw_values<'a, 'p>(&'a self, path: &'p str) -> Option<RawValues<'a, 'p>> {
        let mut rest = Some(path.strip_prefix('/')?);
        let mut values = Vec::new();
        for segment in &self.segments {
            let (first, after) = match rest?.split_once('/') {
                Some((first, after)) => (first, Some(after)),
                None => (rest?, None),
            };
            match segment {
                Segment::Literal(text) if text == first => {}
                Segment::One(name) if !first.is_empty() => values.push((&**name, first)),
                Segment::Rest(name) if rest != Some("") => {
                    values.push((&**name, rest?));
                    return Some(values);
                }
                _ => return None,
            }
            rest = after;
        }
        rest.is_none().then_some(values)
    }

    fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.segments.iter().map(|segment| match segment {
            Segment::Literal(_) => Kind::Literal,
            Segment::One(_) => Kind::One,
            Segment::Rest(_) => Kind::Rest,
        })
    }

    /// Whether both are fitted by the same paths, whatever the names of their places.
    fn has_shape_of(&self, other: &Self) -> bool {
        let is_same = |(one, other): (&Segment, &Segment)| match (one, other) {
            (Segment::Literal(one), Segment::Literal(other)) => one == other,
            (Segment::One(_), Segment::One(_)) | (Segment::Rest(_), Segment::Rest(_)) => true,
            _ => false,
        };
        self.segments.len() == other.segments.len()
            && self.segments.iter().zip(&other.segments).all(is_same)
    }

    fn is_literal(&self) -> bool {
        self.kinds().all(|kind| kind == Kind::Literal)
    }
}

impl FromStr for Template {
    type Err = InvalidTemplate;

    fn from_str(text: &str) -> Result<Self, InvalidTemplate> {
        let path = text
            .strip_prefix('/')
            .ok_or(InvalidTemplate("it does not begin with a slash"))?;
        let segments: Vec<_> = path.split('/').map(segment).collect::<Result<_, _>>()?;
        let (_, before) = segments
            .split_last()
            .unwrap_or((&Segment::Rest(String::new()), &[]));
        if before
            .iter()
            .any(|segment| matches!(segment, Segment::Rest(_)))
        {
            return Err(InvalidTemplate("something follows its {*rest}"));
        }
        let mut names: Vec<_> = segments.iter().filter_map(Segment::name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        if names.len() < count {
            return Err(InvalidTemplate("two of its places have one name"));
        }
        Ok(Self {
            text: text.to_owned(),
            segments,
        })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Segment {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::One(name) | Self::Rest(name) => Some(name),
        }
    }
}

fn segment(text: &str) -> Result<Segment, InvalidTemplate> {
    if !text.contains(['{', '}']) {
        return Ok(Segment::Literal(text.to_owned()));
    }
    let place = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'))
        .ok_or(InvalidTemplate("a place is a whole segment: {name}"))?;
    let (name, is_rest) = match place.strip_prefix('*') {
        Some(name) => (name, true),
        None => (place, false),
    };
    let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || !name.bytes().all(is_name_byte) {
        return Err(InvalidTemplate(
            "the name of a place is made of letters, digits and underscores",
        ));
    }
    let name = name.to_owned();
    Ok(if is_rest {
        Segment::Rest(name)
    } else {
        Segment::One(name)
    })
}

/// Why a text is no [`Template`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidTemplate(&'static str);

impl fmt::Display for InvalidTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidTemplate {}

/// What stands in the place of this name cannot be percent-decoded to text in UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPath(pub String);

impl fmt::Display for InvalidPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the path's {} is not percent-encoded UTF-8", self.0)
    }
}

impl std::error::Error for InvalidPath {}

/// Names, and what stands in a path.
type RawValues<'a, 'p> = Vec<(&'a str, &'p str)>;

fn decode_all(raw: RawValues<'_, '_>) -> Result<Values, InvalidPath> {
    raw.into_iter()
        .map(|(name, value)| {
            let value = decode(value).ok_or_else(|| InvalidPath(name.to_owned()))?;
            Ok((name.to_owned(), value))
        })
        .collect()
}

/// RFC 3986 §2.1. `None` for a percent sign without two hex digits, and for what is not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let ([high, low], after) = rest.split_first_chunk()?;
        let digit = |byte: &u8| {
            char::from(*byte)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        bytes.push(digit(high)? << 4 | digit(low)?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

/// Things by the paths that lead to them.
///
/// Of several templates that a path fits, the one counts that is exacter in the first segment in which they differ:
/// text before `{name}`, and that before `{*rest}`.
///
/// ```
/// use plainws::net::paths::Paths;
///
/// let mut paths = Paths::<&str>::default();
/// *paths.entry("/{*rest}")? = "files";
/// *paths.entry("/room/{id}")? = "a room";
/// *paths.entry("/room/new")? = "a new room";
/// let found = |path| paths.find(path).map(|found| *found.value());
/// assert_eq!(found("/room/new"), Some("a new room"));
/// assert_eq!(found("/room/12"), Some("a room"));
/// assert_eq!(found("/room/12/door"), Some("files"));
/// assert_eq!(found("/"), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Paths<T> {
    /// Those without places: most paths are found here.
    literal: HashMap<String, T>,
    /// The others, the exacter ones first.
    templates: Vec<(Template, T)>,
}

impl<T> Default for Paths<T> {
    fn default() -> Self {
        Self {
            literal: HashMap::new(),
            templates: Vec::new(),
        }
    }
}

/// What a path leads to.
#[derive(Clone, Debug)]
pub struct Found<'a, 'p, T> {
    value: &'a T,
    /// Unless the path is one without places.
    template: Option<&'a Template>,
    raw: RawValues<'a, 'p>,
}

impl<T> Paths<T> {
    /// What a template leads to, for the first time its default.
    ///
    /// # Errors
    ///
    /// [`InvalidTemplate`], also for one that is fitted by the same paths as an earlier one with other names.
    pub fn entry(&mut self, template: &str) -> Result<&mut T, InvalidTemplate>
    where
        T: Default,
    {
        let template: Template = template.parse()?;
        if template.is_literal() {
            return Ok(self.literal.entry(template.text).or_default());
        }
        let mut there = self.templates.iter();
        let place = match there.position(|(there, _)| there.has_shape_of(&template)) {
            Some(place) => place,
            None => {
                let is_before = |(there, _): &(Template, T)| there.kinds().le(template.kinds());
                let place = self.templates.partition_point(is_before);
                self.templates
                    .insert(place, (template.clone(), T::default()));
                place
            }
        };
        let (there, value) = &mut self.templates[place];
        if *there != template {
            return Err(InvalidTemplate(
                "another one differs from it only in the names of its places",
            ));
        }
        Ok(value)
    }

    /// What a path leads to, of what it leads to most exactly.
    #[must_use]
    pub fn find<'a, 'p>(&'a self, path: &'p str) -> Option<Found<'a, 'p, T>> {
        let literal = self.literal.get(path).map(|value| Found {
            value,
            template: None,
            raw: Vec::new(),
        });
        literal.or_else(|| {
            self.templates.iter().find_map(|(template, value)| {
                Some(Found {
                    value,
                    template: Some(template),
                    raw: template.raw_values(path)?,
                })
            })
        })
    }

    /// What a path without places leads to.
    pub(super) fn literal(&self, path: &str) -> Option<&T> {
        self.literal.get(path)
    }

    /// All templates and what they lead to, in no order.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &T)> {
        let literal = self.literal.iter().map(|(path, value)| (&**path, value));
        let templates = self.templates.iter();
        literal.chain(templates.map(|(template, value)| (&*template.text, value)))
    }
}

impl<'a, T> Found<'a, '_, T> {
    /// The thing itself.
    #[must_use]
    pub const fn value(&self) -> &'a T {
        self.value
    }

    /// What stands in the places of its template, as [`Template::values`] tells it.
    ///
    /// # Errors
    ///
    /// As [`Template::values`].
    pub fn values(&self) -> Result<Values, InvalidPath> {
        decode_all(self.raw.clone())
    }

    /// How exact its template is; none of a path without places, which is the most exact.
    pub(super) fn kinds(&self) -> Vec<Kind> {
        self.template
            .map_or_else(Vec::new, |template| template.kinds().collect())
    }
}
