import { applicationPart } from '../application/part.ts'
import { releasePart } from '../release/part.ts'
import type { PlatformPart } from './part.ts'

/** What `sampan delivery` runs. What its controllers may do stands in `src/main/up/delivery/delivery.yaml`. */
export const platformParts: readonly PlatformPart[] = [applicationPart, releasePart]
