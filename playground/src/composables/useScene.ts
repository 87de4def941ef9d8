import { computed, onScopeDispose, ref, shallowRef } from 'vue'
import type { Scene, Stage } from '../conversation/scenes'

/** How often the stage is looked at, and how long a caption stands before its step, in ms. */
const tick = 100
const reading = 1800

/** Plays scenes on a stage, one at a time. */
export function useScene(stage: Stage) {
  const scene = shallowRef<Scene>()
  const place = ref(0)
  const isPaused = ref(false)
  const caption = ref('')
  const isOver = computed(() => scene.value !== undefined && place.value === scene.value.steps.length)

  /** Waits while the scene is paused, and until something is so. @returns whether the scene still plays */
  async function until(played: Scene, isSo: () => boolean): Promise<boolean> {
    while (scene.value === played && (isPaused.value || !isSo())) await sleep(tick)
    return scene.value === played
  }

  async function play(played: Scene): Promise<void> {
    scene.value = played
    isPaused.value = false
    stage.begin()
    for (const [index, step] of played.steps.entries()) {
      place.value = index
      caption.value = step.caption
      let shown = 0
      if (!(await until(played, () => (shown += tick) > reading))) return
      await step.act?.(stage)
      if (!(await until(played, () => step.until?.(stage) ?? true))) return
    }
    place.value = played.steps.length
    caption.value = played.end(stage)
  }

  function end(): void {
    scene.value = undefined
  }
  onScopeDispose(end)

  return { scene, place, caption, isPaused, isOver, play, end }
}

export type ScenePlayer = ReturnType<typeof useScene>

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
