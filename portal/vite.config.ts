import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

const OUTPUT = join(import.meta.dirname, 'dist')

/** Compresses every built file once, so that the server does not do it for each request. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    async closeBundle() {
      const names = (await readdir(OUTPUT, { recursive: true })).filter((name) => /\.(html|js|css|svg)$/.test(name))
      await Promise.all(
        names.map(async (name) => {
          const bytes = await readFile(join(OUTPUT, name))
          const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY }
          await writeFile(join(OUTPUT, `${name}.br`), await promisify(brotliCompress)(bytes, { params }))
          await writeFile(join(OUTPUT, `${name}.gz`), await promisify(gzip)(bytes, { level: 9 }))
        }),
      )
    },
  }
}

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), compressed()],
  build: {
    outDir: OUTPUT,
    emptyOutDir: true,
    target: 'es2023',
    // The policy of the pages allows no script but these files, and every browser that they are for preloads modules by itself.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    // What counts is the size of the first load as it is sent: a test measures it.
    chunkSizeWarningLimit: 1000,
  },
})
