import type { FileUIPart } from 'ai'
import { shallowRef } from 'vue'
import { readAttachment } from '../conversation/attachments'

/** The files of the next prompt. */
export function useAttachments() {
  const files = shallowRef<readonly FileUIPart[]>([])
  const problems = shallowRef<readonly string[]>([])

  async function add(chosen: Iterable<File>): Promise<void> {
    problems.value = []
    for (const file of chosen) {
      try {
        files.value = [...files.value, await readAttachment(file, files.value)]
      } catch (error) {
        problems.value = [...problems.value, error instanceof Error ? error.message : String(error)]
      }
    }
  }

  return {
    files,
    problems,
    add,
    remove(file: FileUIPart) {
      problems.value = []
      files.value = files.value.filter((each) => each !== file)
    },
    /** Returns the files and empties the list. */
    take(): readonly FileUIPart[] {
      const taken = files.value
      files.value = []
      problems.value = []
      return taken
    },
  }
}
