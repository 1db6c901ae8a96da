import type { Path } from '../meta/path.ts'
import type { PodTemplateSpec } from '../types/core-v1.gen.ts'

/** Warning texts for a template of pods. `old` is there on updates. */
export function podTemplateWarnings(_template: PodTemplateSpec | undefined, _old: PodTemplateSpec | undefined, _path: Path): readonly string[] {
  return []
}
