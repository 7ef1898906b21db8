//! A picture with overlays.

use crate::canvas::{Canvas, MARGIN};
use crate::{png, text};
use lowshot_protocol::Image;

/// Most overlays drawn.
const MOST: usize = 500;

/// Channels of the pixels, or what is wrong with them.
pub(crate) fn channels(image: &Image) -> Result<usize, String> {
    let pixels = u64::from(image.width) * u64::from(image.height);
    let bytes = image.pixels.len() as u64;
    match pixels {
        0 => Err("the picture has no pixels".into()),
        n if n == bytes => Ok(1),
        n if n * 3 == bytes => Ok(3),
        n => {
            Err(format!("{bytes} bytes for {} × {} pixels, not {n} or {}", image.width, image.height, n * 3))
        }
    }
}

pub(crate) fn draw(canvas: &mut Canvas, image: &Image) {
    let channels = match channels(image) {
        Ok(channels) => channels,
        Err(why) => return canvas.no_data(&why),
    };
    if image.overlays.len() > MOST {
        canvas.notes.push(format!("{MOST} of {} drawn", text::count(image.overlays.len(), "overlay")));
    }
    let (width, height, samples) =
        png::reduce(image.width as usize, image.height as usize, channels, &image.pixels);
    let (room_x, room_y) =
        (canvas.width - 2.0 * MARGIN, (canvas.height - canvas.bottom() - canvas.top).max(24.0));
    let (full_x, full_y) = (f64::from(image.width), f64::from(image.height));
    let zoom = (room_x / full_x).min(room_y / full_y);
    let (w, h) = (full_x * zoom, full_y * zoom);
    let (x, y) = (MARGIN + (room_x - w) / 2.0, canvas.top + (room_y - h) / 2.0);
    // Few large pixels are shown as such; a photograph is smoothed.
    let class = if zoom >= 3.0 { "ls-crisp" } else { "" };
    canvas.raw("<image").class(class).attr("x", x).attr("y", y).attr("width", w).attr("height", h);
    let url = png::data_url(width, height, channels, &samples);
    canvas.raw(" preserveAspectRatio=\"none\" href=\"").raw(&url).raw("\"/>");
    for overlay in image.overlays.iter().take(MOST) {
        let [ox, oy, ow, oh] = [overlay.x, overlay.y, overlay.width, overlay.height];
        if ![ox, oy, ow, oh, overlay.weight].iter().all(|v| v.is_finite()) {
            continue;
        }
        let clip = |v: f64, limit: f64| v.clamp(0.0, limit);
        let (left, right) = (clip(ox, full_x), clip(ox + ow.max(0.0), full_x));
        let (top, bottom) = (clip(oy, full_y), clip(oy + oh.max(0.0), full_y));
        if left >= right || top >= bottom {
            continue;
        }
        let weight = overlay.weight.clamp(0.0, 1.0);
        let block = [x + left * zoom, y + top * zoom, (right - left) * zoom, (bottom - top) * zoom];
        let opacity = text::fixed(0.08 + 0.5 * weight, 2);
        let edge = text::fixed(0.3 + 0.7 * weight, 2);
        // A picture has its own colours in every theme, so its frames have too: yellow on black shows on any picture.
        canvas.rect(block, "", " fill=\"none\" stroke=\"#000\" stroke-opacity=\".5\" stroke-width=\"4\"", "");
        let extra = format!(
            " fill=\"#ffc400\" stroke=\"#ffc400\" stroke-width=\"1.8\" fill-opacity=\"{opacity}\" stroke-opacity=\"{edge}\""
        );
        canvas.rect(block, "", &extra, &format!("weight {}", text::number(overlay.weight)));
    }
}
