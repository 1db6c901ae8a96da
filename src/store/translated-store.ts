import type { Scope } from '#base'
import type { Engine, KeyValue, StoreEvent } from './engine.ts'
import { MappedStore } from './mapped-store.ts'

/** Turns a stored value into the one that is shown; the same array where there is nothing to do. */
export type Translate = (key: string, value: Uint8Array) => Uint8Array

/** A store of which others have written some values in another form. What is written here is written as it is. */
export class TranslatedStore extends MappedStore {
  readonly #translate: Translate

  constructor(engine: Engine, translate: Translate) {
    super(engine)
    this.#translate = translate
  }

  protected override shown(found: KeyValue): KeyValue {
    const value = this.#translate(found.key, found.value)
    return value === found.value ? found : { ...found, value }
  }

  /** Left out and named in the log: one value must not end the watch of all others. */
  protected override unreadable(scope: Scope, event: StoreEvent, error: unknown): void {
    scope.log.error('a change is not shown', { key: event.key, error })
  }
}
