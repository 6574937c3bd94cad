/** Numbers with their units, honest about how much is known of them. */
import { language, t } from './index';

/** A time as people say it: two digits that matter and no more. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return t('time.second', { n: seconds.toFixed(1) });
  if (seconds < 90) return t('time.second', { n: Math.round(seconds) });
  if (seconds < 90 * 60) return t('time.minute', { n: Math.round(seconds / 60) });
  return t('time.hour', { n: (seconds / 3600).toFixed(1) });
}

/** A time down to its thousandths, where short ones are compared. */
export function moment(seconds: number): string {
  if (seconds >= 0.9995) return seconds < 9.95 ? t('time.second', { n: seconds.toFixed(2) }) : duration(seconds);
  const milli = seconds * 1000;
  return t('time.milli', { n: milli < 9.95 ? milli.toFixed(1) : Math.round(milli) });
}

/** A share of one as a whole number of hundredths. */
export function percent(share: number): string {
  return share.toLocaleString(language(), { style: 'percent', maximumFractionDigits: 0 });
}

/** Bytes in the units in which disks and memory are sold. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let at = 0;
  let value = count;
  while (value >= 999.5 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  return `${at === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[at]}`;
}

/** A size in pixels; a square is said short. */
export function size(width: number, height: number): string {
  return width === height ? `${width}²` : `${width} × ${height}`;
}
