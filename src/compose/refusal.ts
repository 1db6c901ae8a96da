import { SampanError } from '#base/pure'

/** Where in which file something stands. */
export interface Place {
  readonly file: string
  readonly line?: number
}

/** A Compose file that cannot be used. The message begins with `FILE:LINE: ` where the place is known. */
export class ComposeRefused extends SampanError {
  readonly code = 'COMPOSE_REFUSED'
  readonly place: Place | undefined
  readonly reason: string

  constructor(reason: string, place?: Place) {
    super(place === undefined ? reason : `${place.file}${place.line === undefined ? '' : `:${place.line}`}: ${reason}`)
    this.place = place
    this.reason = reason
  }
}
