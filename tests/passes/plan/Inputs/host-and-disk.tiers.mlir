plan.arena @staging kind staging on host in ram bytes <all = 16384> live <all = 16384>
plan.budget ram bytes 16777216 reserved 1048576 head_room 1048576
plan.experts layers 1 count 2 of 8 gpu <> ram <0 to 3> disk <4 to 7> pinned <> slots 4 decode_gpu <> prompt_gpu <>
