#!/usr/bin/env node
// Plain JavaScript that any Node can parse: an old Node would stop at the program's own syntax without saying why.
import { existsSync } from 'node:fs'
import nodeModule from 'node:module'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 15)) {
  console.error(`aduana needs Node 24.15 or newer; this is ${process.version} (${process.execPath}).`)
  console.error('In a checkout, `npm ci` brings a newer Node along: start with `npm start` or `npx aduana`.')
  process.exit(1)
}

// Halves the time of every start but the first.
nodeModule.enableCompileCache()

// A checkout runs its sources; the published package carries only what tsc made of them.
const source = new URL('../src/cli/main.ts', import.meta.url)
const { main } = await import(existsSync(source) ? source.href : new URL('../dist/cli/main.js', import.meta.url).href)
await main(process.argv)
