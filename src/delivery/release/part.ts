import { kindDefinition } from '../platform/kind.ts'
import type { PlatformPart } from '../platform/part.ts'
import { releaseKind } from './kinds.ts'
import { releaseController } from './controller.ts'

/** Releases of Deployments. */
export const releasePart: PlatformPart = { name: 'release', kinds: [kindDefinition(releaseKind)], controllers: [releaseController] }
