//! The way from a drawn picture to one of exactly the size that is asked for, worked out before anything
//! is done: numbers in, numbers out.
//!
//! A picture is made larger until it has at least as many pixels as it needs, averaged down to what it
//! needs, and then cut or bordered. Cutting is for pictures of nearly the shape that is wanted: where it
//! would take more than [`CUT`] of a side, or a part of what the picture shows, a border does less harm.

use likeness_picture::Limits;
use likeness_recipe::{Fit, Size};

/// Most of a side that is cut off where nothing is said.
pub const CUT: f64 = 0.15;

/// A rectangle of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// Pixels left of it.
    pub left: u32,
    /// Pixels above it.
    pub top: u32,
    /// Its own size.
    pub size: Size,
}

/// What lies along the edge of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// One colour, or nothing: a border goes on with it and is not seen as one.
    Plain,
    /// Parts of a scene.
    Busy,
}

/// What is known of a picture before it is planned for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looks {
    /// Its size.
    pub size: Size,
    /// Where the thing is that it shows; none where it shows more than one can tell apart.
    pub subject: Option<Area>,
    /// What lies along its edge.
    pub edge: Edge,
}

/// The whole way. Whoever follows it has a picture of [`Plan::size`], exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// How many times as large it is made, step by step.
    pub enlargements: Vec<u32>,
    /// What the whole picture is averaged to.
    pub resampled: Size,
    /// What becomes of a shape that is another.
    pub shape: Shape,
    /// The size at the end.
    pub size: Size,
}

/// How a picture comes to another shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// It has that shape.
    Same,
    /// This much of it is kept.
    Cut(Area),
    /// It lies here, within a border of one colour.
    Plain(Area),
    /// It lies here, within a border of itself, blurred.
    Blurred(Area),
}

/// Plans the way of a picture that looks like `looks` to `size`, with what makes it larger by each of
/// `factors`, the least first.
pub fn plan(looks: &Looks, size: Size, fit: Fit, factors: &[u32]) -> Plan {
    let cut = cut(looks, size);
    let (resampled, shape) = match fit {
        Fit::Crop => cut.0,
        Fit::Auto if cut.1 => cut.0,
        Fit::Auto if looks.edge == Edge::Plain => bordered(looks.size, size, Shape::Plain),
        Fit::Auto | Fit::Blurred => bordered(looks.size, size, Shape::Blurred),
        Fit::Plain => bordered(looks.size, size, Shape::Plain),
    };
    Plan { enlargements: enlargements(looks.size, resampled, factors), resampled, shape, size }
}

/// The whole picture at the least size that covers `size`, what is kept of it, and whether that does
/// little enough harm to be done unasked.
fn cut(looks: &Looks, size: Size) -> ((Size, Shape), bool) {
    let from = looks.size;
    let (across, down) = ratios(from, size);
    let scale = across.max(down);
    // At least as large: what was rounded down would leave a line without pixels.
    let whole = Size {
        width: scaled(from.width, scale).max(size.width),
        height: scaled(from.height, scale).max(size.height),
    };
    let mut harmless = true;
    let mut place = |whole: u32, kept: u32, subject: Option<(u32, u32)>| {
        let spare = whole - kept;
        harmless &= f64::from(spare) <= CUT * f64::from(whole);
        let middle = spare / 2;
        let Some((start, length)) = subject.filter(|_| spare > 0) else { return middle };
        let start = scaled(start, scale);
        let end = (start + scaled(length, scale)).min(whole);
        harmless &= end - start <= kept;
        // From the middle only as far as the subject asks for.
        middle.max(end.saturating_sub(kept)).min(start).min(spare)
    };
    let subject = looks.subject;
    let left = place(whole.width, size.width, subject.map(|area| (area.left, area.size.width)));
    let top = place(whole.height, size.height, subject.map(|area| (area.top, area.size.height)));
    let shape = if whole == size { Shape::Same } else { Shape::Cut(Area { left, top, size }) };
    ((whole, shape), harmless)
}

/// The whole picture at the greatest size that `size` holds, and where it lies there.
fn bordered(from: Size, size: Size, shape: fn(Area) -> Shape) -> (Size, Shape) {
    let (across, down) = ratios(from, size);
    let scale = across.min(down);
    let whole = Size {
        width: scaled(from.width, scale).clamp(1, size.width),
        height: scaled(from.height, scale).clamp(1, size.height),
    };
    let (left, top) = ((size.width - whole.width) / 2, (size.height - whole.height) / 2);
    let shape = match whole == size {
        true => Shape::Same,
        false => shape(Area { left, top, size: whole }),
    };
    (whole, shape)
}

/// As few as it takes, the last as small as does. None goes past what a picture may have: the rest of
/// the way is averaged, which is no finer and costs nothing.
fn enlargements(from: Size, to: Size, factors: &[u32]) -> Vec<u32> {
    let limits = Limits::default();
    let (mut now, mut all) = (from, Vec::new());
    while now.width < to.width || now.height < to.height {
        let larger = |by: u32| Size {
            width: now.width.saturating_mul(by),
            height: now.height.saturating_mul(by),
        };
        let fits = |by: &&u32| {
            let size = larger(**by);
            size.width.max(size.height) <= limits.side
                && u64::from(size.width) * u64::from(size.height) <= limits.pixels
        };
        let enough = |by: &&u32| {
            let size = larger(**by);
            size.width >= to.width && size.height >= to.height
        };
        let fitting = || factors.iter().filter(|by| **by > 1).filter(fits);
        let Some(&by) = fitting().find(enough).or(fitting().next_back()) else { break };
        all.push(by);
        now = larger(by);
    }
    all
}

fn ratios(from: Size, to: Size) -> (f64, f64) {
    let ratio = |from: u32, to: u32| f64::from(to) / f64::from(from.max(1));
    (ratio(from.width, to.width), ratio(from.height, to.height))
}

fn scaled(pixels: u32, by: f64) -> u32 {
    (f64::from(pixels) * by).round() as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn size(width: u32, height: u32) -> Size {
        Size { width, height }
    }

    fn looks(from: Size, subject: Option<(u32, u32, u32, u32)>, edge: Edge) -> Looks {
        let area = |(left, top, width, height)| Area { left, top, size: size(width, height) };
        Looks { size: from, subject: subject.map(area), edge }
    }

    #[track_caller]
    fn check(from: &Looks, to: Size, fit: Fit, wanted: &str) {
        let Plan { enlargements, resampled, shape, .. } = plan(from, to, fit, &[2, 4]);
        let area = |Area { left, top, size }: Area| format!("{size} at {left},{top}");
        let shape = match shape {
            Shape::Same => "same".to_owned(),
            Shape::Cut(kept) => format!("cut to {}", area(kept)),
            Shape::Plain(inner) => format!("plain around {}", area(inner)),
            Shape::Blurred(inner) => format!("blurred around {}", area(inner)),
        };
        assert_eq!(format!("{enlargements:?} {resampled} {shape}"), wanted, "{from:?} to {to}");
    }

    #[test]
    fn a_square_becomes_what_channels_ask_for() {
        let square = size(128, 128);
        let thing = looks(square, Some((30, 20, 60, 90)), Edge::Plain);
        check(&thing, size(1080, 1080), Fit::Auto, "[4, 4] 1080x1080 same");
        check(&thing, size(1024, 1024), Fit::Auto, "[4, 2] 1024x1024 same");
        check(&thing, size(128, 128), Fit::Auto, "[] 128x128 same");
        check(&thing, size(100, 90), Fit::Auto, "[] 100x100 cut to 100x90 at 0,5");
        // A fifth of the width would go, and a third.
        let portrait = "[4, 4] 1080x1080 plain around 1080x1080 at 0,135";
        check(&thing, size(1080, 1350), Fit::Auto, portrait);
        check(&thing, size(728, 90), Fit::Auto, "[] 90x90 plain around 90x90 at 319,0");
        let cut = "[4, 4] 1350x1350 cut to 1080x1350 at 135,0";
        check(&thing, size(1080, 1350), Fit::Crop, cut);
        let scene = looks(square, None, Edge::Busy);
        let story = "[4, 4] 1080x1080 blurred around 1080x1080 at 0,420";
        check(&scene, size(1080, 1920), Fit::Auto, story);
        check(&scene, size(1080, 1920), Fit::Plain, &story.replace("blurred", "plain"));
    }

    #[test]
    fn what_the_picture_shows_is_not_cut() {
        let to = size(300, 270);
        let at = |top, height| looks(size(100, 100), Some((10, top, 80, height)), Edge::Plain);
        // A tenth goes from above and below, if what is shown lies between.
        check(&at(10, 80), to, Fit::Auto, "[4] 300x300 cut to 300x270 at 0,15");
        check(&at(0, 80), to, Fit::Auto, "[4] 300x300 cut to 300x270 at 0,0");
        check(&at(20, 80), to, Fit::Auto, "[4] 300x300 cut to 300x270 at 0,30");
        check(&at(2, 95), to, Fit::Auto, "[4] 270x270 plain around 270x270 at 15,0");
        check(&at(2, 95), to, Fit::Crop, "[4] 300x300 cut to 300x270 at 0,6");
    }

    #[test]
    fn nothing_is_made_larger_than_a_picture_may_be() {
        let from = looks(size(5000, 3000), None, Edge::Busy);
        check(&from, size(9000, 5400), Fit::Auto, "[2] 9000x5400 same");
        let from = looks(size(5000, 5000), None, Edge::Busy);
        check(&from, size(8000, 8000), Fit::Auto, "[] 8000x8000 same");
    }

    fn sizes() -> impl Strategy<Value = Size> {
        (1_u32..3000, 1_u32..3000).prop_map(|(width, height)| size(width, height))
    }

    proptest! {
        /// Whatever is asked for comes out, and what is kept or laid down lies within the picture.
        #[test]
        fn the_size_is_exact(
            from in sizes(),
            to in sizes(),
            fit in prop::sample::select(&[Fit::Auto, Fit::Crop, Fit::Plain, Fit::Blurred][..]),
            subject in prop::option::of((0.0..0.9, 0.0..0.9, 0.05..1.0, 0.05..1.0)),
            plain in any::<bool>(),
        ) {
            let side = |of: u32, share: f64| (f64::from(of) * share) as u32;
            let subject = subject.map(|(x, y, w, h): (f64, f64, f64, f64)| {
                let (left, top) = (side(from.width, x), side(from.height, y));
                (left, top, side(from.width - left, w).max(1), side(from.height - top, h).max(1))
            });
            let edge = if plain { Edge::Plain } else { Edge::Busy };
            let looks = looks(from, subject, edge);
            let Plan { enlargements, resampled, shape, size } = plan(&looks, to, fit, &[2, 4]);
            prop_assert_eq!(size, to);
            let by: u32 = enlargements.iter().product();
            let limits = Limits::default();
            let larger = u64::from(from.width * by) * u64::from(from.height * by);
            prop_assert!(larger <= limits.pixels && from.width.max(from.height) * by <= limits.side);
            let kept = |area: Area, within: Size| {
                area.left + area.size.width <= within.width && area.top + area.size.height <= within.height
            };
            match shape {
                Shape::Same => prop_assert_eq!(resampled, to),
                Shape::Cut(area) => {
                    prop_assert_eq!(area.size, to);
                    prop_assert!(kept(area, resampled));
                    // Unasked, what is shown is whole afterwards.
                    if let (Fit::Auto, Some(subject)) = (fit, looks.subject) {
                        let scale = f64::from(resampled.width) / f64::from(from.width);
                        let left = f64::from(subject.left) * scale;
                        let right = left + f64::from(subject.size.width) * scale;
                        prop_assert!(f64::from(area.left) <= left + 2.0);
                        prop_assert!(f64::from(area.left + to.width) >= right - 2.0);
                    }
                    if fit == Fit::Auto {
                        let spare = f64::from(resampled.width - to.width) / f64::from(resampled.width);
                        prop_assert!(spare <= CUT);
                    }
                }
                Shape::Plain(area) | Shape::Blurred(area) => {
                    prop_assert_eq!(area.size, resampled);
                    prop_assert!(kept(area, to));
                    prop_assert!(area.size.width == to.width || area.size.height == to.height
                        || area.size.width.min(area.size.height) == 1);
                }
            }
        }
    }
}
