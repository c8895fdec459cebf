import type { Instances } from '../../../src/client/api-types.ts'

const KEY = 'aduana.instance'

/** The instance that this browser showed last, if the visitor still has a role in it, else the first one. */
export function startInstance({ value }: Instances): string | undefined {
  const last = read()
  return (value.find(({ instance }) => instance === last) ?? value[0])?.instance
}

export function rememberInstance(instance: string): void {
  try {
    localStorage.setItem(KEY, instance)
  } catch {
    // A browser that keeps nothing begins with the first one.
  }
}

function read(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null
  }
}
