// Loaded before a program with `--import`: writes the address of every module that the program loads into the file LIST_MODULES names.
import { appendFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

const path = process.env.LIST_MODULES ?? ''

registerHooks({
  load(url, context, nextLoad) {
    appendFileSync(path, `${url}\n`)
    return nextLoad(url, context)
  },
})
