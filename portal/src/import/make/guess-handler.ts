/** Which handler files look made for; undefined where they do not look made for any. */
export function guessHandler(files: readonly { name: string; aptManifest?: unknown }[]): string | undefined {
  const [file] = files
  if (files.length === 1 && file?.aptManifest !== undefined) return 'microsoft/apt:1'
  const images = files.filter(({ name }) => /\.swu$/i.test(name))
  const scripts = files.filter(({ name }) => /\.(sh|py|ps1)$/i.test(name))
  if (images.length > 0) return scripts.length > 0 ? 'microsoft/swupdate:2' : 'microsoft/swupdate:1'
  return scripts.length > 0 ? 'microsoft/script:1' : undefined
}
