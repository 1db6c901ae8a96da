import type { DecodeRun } from './run.ts'
import { isObject } from './types.ts'

/** Takes the fields out of a value of a custom resource that stands where its schema has another type: there none is known. */
export function pruneMisplaced(value: unknown, run: DecodeRun): void {
  if (Array.isArray(value)) {
    for (const [at, item] of value.entries()) {
      run.enter(at)
      pruneMisplaced(item, run)
      run.leave()
    }
  } else if (isObject(value)) {
    for (const name of Object.keys(value)) {
      run.addUnknown(name)
      delete value[name]
    }
  }
}
