const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** Such as `1.5 MiB`. */
export function formatBytes(sizeInBytes: number): string {
  let size = sizeInBytes
  let unit = 0
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024
    unit += 1
  }
  if (unit === 0) return sizeInBytes === 1 ? '1 byte' : `${sizeInBytes} bytes`
  return `${size.toLocaleString(undefined, { maximumFractionDigits: size < 10 ? 1 : 0 })} ${UNITS[unit]}`
}

export function formatNumber(number: number): string {
  return number.toLocaleString()
}

/** `1 update`, `2 updates`. */
export function countOf(number: number, noun: string, plural = `${noun}s`): string {
  return `${formatNumber(number)} ${number === 1 ? noun : plural}`
}

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

/** In the visitor's own time zone and way of writing. What is no time is answered as it is. */
export function formatTime(dateTime: string): string {
  const time = Date.parse(dateTime)
  return Number.isNaN(time) ? dateTime : TIME.format(time)
}
