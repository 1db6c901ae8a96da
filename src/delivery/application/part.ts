import { applicationController } from './application-controller.ts'
import { kindDefinition } from '../platform/kind.ts'
import type { PlatformPart } from '../platform/part.ts'
import { applicationKind, applicationRevisionKind } from './kinds.ts'

/** Applications and their revisions. */
export const applicationPart: PlatformPart = {
  name: 'application',
  kinds: [kindDefinition(applicationKind), kindDefinition(applicationRevisionKind)],
  controllers: [applicationController],
}
