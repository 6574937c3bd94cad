//! What a picture shows and where, and the picture brought to another size and shape.
//!
//! Pixels are averaged as they are written, gamma and all, as thumbnails and screens do: what is drawn by
//! hand or by a network is drawn for that. What can be seen through is weighed by how little it can be.

use image::imageops::{self, FilterType};
use image::{ImageBuffer, Rgb, Rgb32FImage, Rgba};
use likeness_recipe::{Pixels, Size};

use super::plan::{Area, Edge, Looks, Plan, Shape};

/// Most places along a side that are looked at: a thing that is missed between two of them is a hair.
const LOOKS: u32 = 512;

/// Alpha below which nothing is seen.
const SEEN: u8 = 26;

/// Levels by which the edge of a plain ground differs from its own colour at most, in any channel.
const GROUND: u8 = 24;

/// Levels by which a thing differs from the ground at least, in one channel.
const THING: u8 = 48;

/// How much of the edge must be of one colour for the ground to be plain: a thing may reach it here and there.
const PLAIN: f64 = 0.75;

/// Cells along the longer side of what a blurred border is made of.
const BLUR: u32 = 24;

/// A colour without alpha.
pub type Colour = [u8; 3];

/// What is known of a picture before it is planned for.
pub fn looks(pixels: &Pixels) -> Looks {
    let size = pixels.size();
    let Some(ground) = ground(pixels) else {
        return Looks { size, subject: None, edge: Edge::Busy };
    };
    Looks { size, subject: subject(pixels, ground), edge: Edge::Plain }
}

/// What lies behind the thing that a picture shows; none where that is no one colour.
fn ground(pixels: &Pixels) -> Option<Ground> {
    let Size { width, height } = pixels.size();
    let (columns, rows) = (places(width), places(height));
    let along = columns.iter().flat_map(|&x| [(x, 0), (x, height - 1)]);
    let edge: Vec<_> = along.chain(rows.iter().flat_map(|&y| [(0, y), (width - 1, y)])).collect();
    let share = |found: usize| found as f64 >= PLAIN * edge.len() as f64;
    let seen = edge.iter().filter(|&&(x, y)| alpha(pixels, x, y) >= SEEN);
    if share(edge.len() - seen.clone().count()) {
        return Some(Ground::Nothing);
    }
    let middle = [0, 1, 2].map(|channel| {
        let mut levels: Vec<u8> =
            seen.clone().map(|&(x, y)| colour(pixels, x, y)[channel]).collect();
        levels.sort_unstable();
        levels[levels.len() / 2]
    });
    let near = seen.filter(|&&(x, y)| apart(colour(pixels, x, y), middle) <= GROUND);
    share(near.count()).then_some(Ground::Colour(middle))
}

#[derive(Clone, Copy)]
enum Ground {
    Nothing,
    Colour(Colour),
}

/// Where what is not the ground lies.
fn subject(pixels: &Pixels, ground: Ground) -> Option<Area> {
    let (columns, rows) = (places(pixels.width), places(pixels.height));
    let is_thing = |x: u32, y: u32| match ground {
        Ground::Nothing => alpha(pixels, x, y) >= SEEN,
        Ground::Colour(ground) => apart(colour(pixels, x, y), ground) >= THING,
    };
    // A speck is none: a thing has two such places in a row of them.
    let filled_rows =
        rows.iter().filter(|&&y| columns.iter().filter(|&&x| is_thing(x, y)).count() > 1);
    let filled_rows: Vec<u32> = filled_rows.copied().collect();
    let filled = |x: &&u32| filled_rows.iter().filter(|&&y| is_thing(**x, y)).count() > 1;
    let (top, bottom) = (*filled_rows.first()?, *filled_rows.last()?);
    let left = *columns.iter().find(filled)?;
    let right = *columns.iter().rev().find(filled)?;
    // Up to the next place that was looked at, so that nothing of it is left out.
    let (across, down) = (step(pixels.width), step(pixels.height));
    let (left, top) = (left.saturating_sub(across - 1), top.saturating_sub(down - 1));
    let width = (right + across).min(pixels.width) - left;
    let height = (bottom + down).min(pixels.height) - top;
    Some(Area { left, top, size: Size { width, height } })
}

/// Places along a side that are looked at.
fn places(side: u32) -> Vec<u32> {
    (0..side).step_by(step(side) as usize).collect()
}

fn step(side: u32) -> u32 {
    side.div_ceil(LOOKS).max(1)
}

fn colour(pixels: &Pixels, x: u32, y: u32) -> Colour {
    let at = (y as usize * pixels.width as usize + x as usize) * usize::from(pixels.channels);
    [pixels.data[at], pixels.data[at + 1], pixels.data[at + 2]]
}

fn alpha(pixels: &Pixels, x: u32, y: u32) -> u8 {
    let at = (y as usize * pixels.width as usize + x as usize) * usize::from(pixels.channels);
    if pixels.channels == 4 { pixels.data[at + 3] } else { 255 }
}

fn apart(a: Colour, b: Colour) -> u8 {
    (0..3).map(|channel| a[channel].abs_diff(b[channel])).max().unwrap_or(0)
}

/// The rest of the way once a picture was made larger: averaged, cut or bordered. Where `background` is
/// given, nothing can be seen through afterwards.
pub fn fit(pixels: Pixels, plan: &Plan, background: Option<Colour>) -> Pixels {
    let pixels = match background {
        Some(colour) => flatten(pixels, colour),
        None => pixels,
    };
    // As it was drawn, before what is averaged smears the edge.
    let ground = ground(&pixels);
    let whole = resample(pixels, plan.resampled);
    match plan.shape {
        Shape::Same => whole,
        Shape::Cut(area) => cut(&whole, area),
        Shape::Plain(area) => {
            let mut canvas = match (background, ground) {
                (Some(colour), _) | (None, Some(Ground::Colour(colour))) => {
                    plain(plan.size, whole.channels, [colour[0], colour[1], colour[2], 255])
                }
                (None, Some(Ground::Nothing)) => plain(plan.size, whole.channels, [0; 4]),
                (None, None) => {
                    let [r, g, b] = mean_of_edge(&whole);
                    plain(plan.size, whole.channels, [r, g, b, 255])
                }
            };
            lay(&whole, &mut canvas, area);
            canvas
        }
        Shape::Blurred(area) => {
            let mut canvas = blurred(&whole, plan.size);
            lay(&whole, &mut canvas, area);
            canvas
        }
    }
}

/// Everything over one colour, without alpha.
pub fn flatten(pixels: Pixels, colour: Colour) -> Pixels {
    if pixels.channels != 4 {
        return pixels;
    }
    let (over, _) = pixels.data.as_chunks::<4>();
    let mut data = Vec::with_capacity(over.len() * 3);
    for &[r, g, b, a] in over {
        for (level, ground) in [r, g, b].into_iter().zip(colour) {
            let (level, ground, a) = (u32::from(level), u32::from(ground), u32::from(a));
            data.push(((level * a + ground * (255 - a) + 127) / 255) as u8);
        }
    }
    Pixels { channels: 3, data, ..pixels }
}

/// A picture at another size.
pub fn resample(pixels: Pixels, size: Size) -> Pixels {
    if pixels.size() == size {
        return pixels;
    }
    let Pixels { width, height, channels, data } = pixels;
    let (to, filter) = ((size.width, size.height), FilterType::Lanczos3);
    let data = if channels == 4 {
        // Weighed by alpha, with bits enough for it: what cannot be seen has no colour to bleed.
        let weighed: Vec<u16> = data.as_chunks::<4>().0.iter().flat_map(weigh).collect();
        drop(data);
        let image = ImageBuffer::<Rgba<u16>, _>::from_raw(width, height, weighed);
        let image = imageops::resize(&image.expect("as many as its sizes say"), to.0, to.1, filter);
        image.into_raw().as_chunks::<4>().0.iter().flat_map(unweigh).collect()
    } else {
        let image = ImageBuffer::<Rgb<u8>, _>::from_raw(width, height, data);
        imageops::resize(&image.expect("as many as its sizes say"), to.0, to.1, filter).into_raw()
    };
    Pixels { width: size.width, height: size.height, channels, data }
}

fn weigh(&[r, g, b, a]: &[u8; 4]) -> [u16; 4] {
    let alpha = u32::from(a) * 257;
    let level = |level: u8| (u32::from(level) * 257 * alpha / 65_535) as u16;
    [level(r), level(g), level(b), alpha as u16]
}

fn unweigh(&[r, g, b, a]: &[u16; 4]) -> [u8; 4] {
    let alpha = u32::from(a);
    let level = |level: u16| {
        // Lanczos rings: what passes its alpha is as bright as can be.
        let level = (u32::from(level) * 65_535 / alpha.max(1)).min(65_535);
        ((level + 128) / 257) as u8
    };
    [level(r), level(g), level(b), ((alpha + 128) / 257) as u8]
}

fn cut(whole: &Pixels, area: Area) -> Pixels {
    let each = usize::from(whole.channels);
    let (line, row) = (whole.width as usize * each, area.size.width as usize * each);
    let mut data = Vec::with_capacity(row * area.size.height as usize);
    for y in 0..area.size.height as usize {
        let from = (area.top as usize + y) * line + area.left as usize * each;
        data.extend_from_slice(&whole.data[from..from + row]);
    }
    let Size { width, height } = area.size;
    Pixels { width, height, channels: whole.channels, data }
}

fn plain(size: Size, channels: u8, colour: [u8; 4]) -> Pixels {
    let area = size.width as usize * size.height as usize;
    let data = colour[..usize::from(channels)].repeat(area);
    Pixels { width: size.width, height: size.height, channels, data }
}

/// Lays `whole` over `canvas`, whose channels are as many.
fn lay(whole: &Pixels, canvas: &mut Pixels, area: Area) {
    let each = usize::from(whole.channels);
    let (line, row) = (canvas.width as usize * each, whole.width as usize * each);
    for y in 0..whole.height as usize {
        let to = (area.top as usize + y) * line + area.left as usize * each;
        canvas.data[to..to + row].copy_from_slice(&whole.data[y * row..(y + 1) * row]);
    }
}

fn mean_of_edge(pixels: &Pixels) -> Colour {
    let Size { width, height } = pixels.size();
    let along = places(width).into_iter().flat_map(|x| [(x, 0), (x, height - 1)]);
    let edge = along.chain(places(height).into_iter().flat_map(|y| [(0, y), (width - 1, y)]));
    let (mut sum, mut count) = ([0_u64; 3], 0);
    for (x, y) in edge {
        let colour = colour(pixels, x, y);
        (0..3).for_each(|channel| sum[channel] += u64::from(colour[channel]));
        count += 1;
    }
    sum.map(|sum| (sum / count.max(1)) as u8)
}

/// A picture that covers `size`, so soft that nothing in it can be told. Opaque wherever `whole` is.
fn blurred(whole: &Pixels, size: Size) -> Pixels {
    let (across, down) = (
        f64::from(size.width) / f64::from(whole.width),
        f64::from(size.height) / f64::from(whole.height),
    );
    let scale = across.max(down);
    let side = |kept: u32, whole: u32| ((f64::from(kept) / scale).round() as u32).clamp(1, whole);
    let kept =
        Size { width: side(size.width, whole.width), height: side(size.height, whole.height) };
    let (left, top) = ((whole.width - kept.width) / 2, (whole.height - kept.height) / 2);
    let middle = cut(whole, Area { left, top, size: kept });
    let longer = size.width.max(size.height);
    let cells = |side: u32| (side * BLUR).div_ceil(longer).max(2);
    let few = Size { width: cells(size.width), height: cells(size.height) };
    let few = soften(middle, few);
    // Between few points straight lines would show their corners; a cubic has none.
    let (to, filter) = ((size.width, size.height), FilterType::CatmullRom);
    let Pixels { width, height, channels, data } = few;
    let data = if channels == 4 {
        let image = ImageBuffer::<Rgba<u8>, _>::from_raw(width, height, data);
        imageops::resize(&image.expect("as many as its sizes say"), to.0, to.1, filter).into_raw()
    } else {
        // In floats, since a slow slope of few levels would show its steps.
        let floats = data.iter().map(|&level| f32::from(level) / 255.0).collect();
        let image = Rgb32FImage::from_raw(width, height, floats).expect("as many as its sizes say");
        let image = imageops::resize(&image, to.0, to.1, filter).into_raw();
        image.into_iter().map(|level| (level.clamp(0.0, 1.0) * 255.0).round() as u8).collect()
    };
    Pixels { width: size.width, height: size.height, channels, data }
}

/// A picture of few pixels, each the mean of those around it.
fn soften(pixels: Pixels, few: Size) -> Pixels {
    let few = resample(pixels, few);
    let Pixels { width, height, channels, data } = few;
    let data = if channels == 4 {
        let image = ImageBuffer::<Rgba<u8>, _>::from_raw(width, height, data);
        imageops::blur(&image.expect("as many as its sizes say"), 1.5).into_raw()
    } else {
        let image = ImageBuffer::<Rgb<u8>, _>::from_raw(width, height, data);
        imageops::blur(&image.expect("as many as its sizes say"), 1.5).into_raw()
    };
    Pixels { width, height, channels, data }
}

/// `#rrggbb`.
pub fn colour_of(text: &str) -> Option<Colour> {
    let digits: &[u8; 6] = text.trim().strip_prefix('#')?.as_bytes().try_into().ok()?;
    let mut colour = [0; 3];
    for (level, pair) in colour.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *level = (digit(0)? * 16 + digit(1)?) as u8;
    }
    Some(colour)
}

#[cfg(test)]
mod tests {
    use likeness_recipe::Fit;

    use super::super::plan::plan;
    use super::*;

    /// A picture of `size` with a box in it.
    fn scene(size: Size, ground: [u8; 4], area: Area, thing: [u8; 4]) -> Pixels {
        let mut scene = plain(size, 4, ground);
        lay(&plain(area.size, 4, thing), &mut scene, area);
        scene
    }

    fn size(width: u32, height: u32) -> Size {
        Size { width, height }
    }

    fn area(left: u32, top: u32, width: u32, height: u32) -> Area {
        Area { left, top, size: size(width, height) }
    }

    const RED: [u8; 4] = [200, 20, 20, 255];

    #[test]
    fn a_thing_is_found_by_its_alpha_or_by_its_ground() {
        let at = area(20, 30, 40, 50);
        let of = |pixels: &Pixels| {
            let Looks { subject, edge, .. } = looks(pixels);
            (subject, edge)
        };
        let sticker = scene(size(128, 128), [0; 4], at, RED);
        assert_eq!(of(&sticker), (Some(at), Edge::Plain));
        let white = scene(size(128, 128), [250, 250, 250, 255], at, RED);
        assert_eq!(of(&white), (Some(at), Edge::Plain));
        assert_eq!(of(&flatten(white, [0; 3])), (Some(at), Edge::Plain), "without alpha too");
        // Large pictures are looked at here and there, and nothing of the thing is left out.
        let large = scene(size(3000, 2000), [250, 250, 250, 255], area(701, 403, 800, 600), RED);
        let found = looks(&large).subject.unwrap();
        assert!(found.left <= 701 && found.left > 690, "{found:?}");
        assert!(found.left + found.size.width >= 1501, "{found:?}");
        let stripes = (0..64 * 64).flat_map(|at| [(at % 64 * 4) as u8, 90, 60]).collect();
        let busy = Pixels { width: 64, height: 64, channels: 3, data: stripes };
        assert_eq!(of(&busy), (None, Edge::Busy));
        assert_eq!(of(&plain(size(9, 9), 3, RED)), (None, Edge::Plain), "nothing is there");
        looks(&plain(size(1, 1), 3, RED));
    }

    #[test]
    fn a_border_goes_on_with_the_ground() {
        let at = area(0, 30, 128, 50);
        let to = size(300, 90);
        let delivered = |ground, background| {
            let picture = scene(size(128, 128), ground, at, RED);
            let plan = plan(&looks(&picture), to, Fit::Auto, &[2, 4]);
            assert!(matches!(plan.shape, Shape::Plain(_)), "{plan:?}");
            let done = fit(picture, &plan, background);
            assert_eq!(done.size(), to);
            done
        };
        let white = delivered([250, 250, 250, 255], None);
        assert_eq!(white.data[..4], [250, 250, 250, 255]);
        let clear = delivered([0; 4], None);
        assert_eq!(clear.data[3], 0, "a sticker stays one");
        let blue = delivered([0; 4], Some([10, 20, 200]));
        assert_eq!((blue.channels, &blue.data[..3]), (3, &[10, 20, 200][..]));
    }

    #[test]
    fn a_blurred_border_is_the_picture_and_has_no_steps() {
        let slope = (0..64 * 64).flat_map(|at| [(at % 64 * 4) as u8, 90, 60]).collect();
        let busy = Pixels { width: 64, height: 64, channels: 3, data: slope };
        let wanted = size(64, 200);
        let plan = plan(&looks(&busy), wanted, Fit::Auto, &[2, 4]);
        let Shape::Blurred(inner) = plan.shape else { panic!("{plan:?}") };
        let done = fit(busy.clone(), &plan, None);
        assert_eq!(done.size(), wanted);
        assert_eq!(cut(&done, inner), busy, "the picture itself is as it was");
        let row = |y: u32| (0..64).map(|x| colour(&done, x, y)[0]).collect::<Vec<_>>();
        let above = row(3);
        assert!(above[60] > above[4].saturating_add(40), "it has the picture's colours: {above:?}");
        let steps = above.windows(2).map(|two| two[0].abs_diff(two[1])).max();
        assert!(steps < Some(16), "{above:?}");
    }

    #[test]
    fn what_cannot_be_seen_does_not_bleed() {
        // Green under nothing, beside red.
        let mut picture = plain(size(64, 64), 4, [0, 255, 0, 0]);
        lay(&plain(size(32, 64), 4, [255, 0, 0, 255]), &mut picture, area(0, 0, 32, 64));
        let small = resample(picture, size(21, 21));
        let (pixels, _) = small.data.as_chunks::<4>();
        for [_, green, _, alpha] in pixels {
            assert!(*alpha < 3 || *green < 3, "{green} at {alpha}");
        }
        assert!(pixels.iter().any(|pixel| pixel[3] > 20 && pixel[3] < 235), "the seam is soft");
    }

    #[test]
    fn colours_are_six_digits() {
        assert_eq!(colour_of("#0a14C8"), Some([10, 20, 200]));
        for wrong in ["", "0a14c8", "#0a14c", "#0a14c8f", "#xx14c8", "white", "#+1+1+1"] {
            assert_eq!(colour_of(wrong), None, "{wrong}");
        }
    }
}
