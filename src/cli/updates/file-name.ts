/** `CON`, `com1.txt` and the like are devices on Windows, whatever the folder. */
const WINDOWS_DEVICE = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\.|$)/i
const WINDOWS_UNSAFE = /[<>:"|?*]|[. ]$/

/**
 * Why a file name that a server sent must not become the name of a file, or undefined where it may. A server that lies must not write
 * anywhere but into the folder that was named.
 */
export function nameMistake(name: string, platform: NodeJS.Platform = process.platform): string | undefined {
  if (name === '' || name === '.' || name === '..') return 'is no name of a file'
  if (/[/\\]/.test(name)) return 'leads out of the folder'
  if (/\p{Cc}/u.test(name)) return 'has control characters'
  if (platform === 'win32' && (WINDOWS_DEVICE.test(name) || WINDOWS_UNSAFE.test(name)))
    return 'is reserved on this system'
  if (Buffer.byteLength(name) > 255) return 'is too long'
  return undefined
}
